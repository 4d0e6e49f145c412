"""Write workbooks part by part, as Excel and others lay them out."""

import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from xml.sax.saxutils import escape

_MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_RELATIONS = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_PACKAGE = "http://schemas.openxmlformats.org/package/2006/relationships"
DATE, TIME, BOTH, OWN = 1, 2, 3, 4  # styles
STYLES = (
    f'<styleSheet xmlns="{_MAIN}"><numFmts><numFmt numFmtId="164" formatCode="[$-409]d\\.m\\.yy;@"/>'
    '<numFmt numFmtId="165" formatCode="[Red]0.00&quot;days&quot;"/></numFmts>'
    '<cellStyleXfs><xf numFmtId="14"/></cellStyleXfs><cellXfs><xf numFmtId="0"/><xf numFmtId="14"/>'
    '<xf numFmtId="21"/><xf numFmtId="22"/><xf numFmtId="164"/><xf numFmtId="165"/></cellXfs></styleSheet>'
)


def cell(kind: str, value: str, *, style: int = 0, at: str = "") -> str:
    place = f' r="{at}"' if at else ""
    if kind == "inlineStr":
        return f'<c{place} t="inlineStr"><is><t xml:space="preserve">{escape(value)}</t></is></c>'
    return f'<c{place} t="{kind}" s="{style}"><v>{escape(value)}</v></c>'


def row(*cells: str, number: int | None = None) -> str:
    return f"<row{'' if number is None else f' r={chr(34)}{number}{chr(34)}'}>{''.join(cells)}</row>"


def texts(*values: str) -> str:
    return row(*(cell("inlineStr", value) for value in values))


def sheet(*rows: str) -> str:
    return f'<?xml version="1.0"?><worksheet xmlns="{_MAIN}"><sheetData>{"".join(rows)}</sheetData></worksheet>'


def parts(sheets: Mapping[str, str], shared: Sequence[str] = (), *, book: str = "") -> dict[str, str]:
    """The parts of a workbook; ``shared`` are the insides of its texts, ``book`` of its settings."""
    numbered = list(enumerate(sheets, 1))
    listed = "".join(f'<sheet name="{escape(name)}" sheetId="{n}" r:id="rId{n}"/>' for n, name in numbered)
    targets = "".join(_relation(f"rId{n}", "worksheet", f"worksheets/sheet{n}.xml") for n, _ in numbered)
    texts = _relation("rIdS", "sharedStrings", "/xl/sharedStrings.xml")
    workbook = f'<workbook xmlns="{_MAIN}" xmlns:r="{_RELATIONS}">{book}<sheets>{listed}</sheets></workbook>'
    return {
        "[Content_Types].xml": "<Types/>",
        "xl/workbook.xml": workbook,
        "xl/_rels/workbook.xml.rels": f'<Relationships xmlns="{_PACKAGE}">{targets}{texts}</Relationships>',
        "xl/styles.xml": STYLES,
        "xl/sharedStrings.xml": f'<sst xmlns="{_MAIN}">{"".join(f"<si>{text}</si>" for text in shared)}</sst>',
        **{f"xl/worksheets/sheet{n}.xml": sheets[name] for n, name in numbered},
    }


def _relation(key: str, kind: str, target: str) -> str:
    return f'<Relationship Id="{key}" Type="{_RELATIONS}/{kind}" Target="{target}"/>'


def write_workbook(path: Path, held: Mapping[str, str]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in held.items():
            archive.writestr(name, text)
    return path


def write_table(path: Path, rows: Sequence[Sequence[str]]) -> Path:
    """A workbook with one sheet of texts, the header first."""
    return write_workbook(path, parts({"Sheet1": sheet(*(texts(*values) for values in rows))}))
