"""Workers as they are written down."""

import pytest

from judgebench.errors import InputError
from judgebench.spec import JudgeSpec, make


def judge(ray: object) -> JudgeSpec:
    return make(JudgeSpec, {"model": "embedded", "ray": ray}, where="judge")


def test_an_address_alone_is_enough() -> None:
    workers = judge("auto").ray
    assert workers is not None
    assert (workers.address, workers.workers, dict(workers.resources)) == ("auto", None, {"CPU": 1.0})
    assert judge(None).ray is None


@pytest.mark.parametrize(
    ("ray", "why"),
    [
        ("ray://head:10001", "judge: ray.address: Ray's client"),
        ({"resources": {"GPU": 0}}, "judge: ray.resources: 'GPU' is 0: give numbers above 0"),
        ({"resources": {}}, "judge: ray.resources: a worker needs something of its node"),
        ({"workers": 0}, "judge: ray.workers: "),
        ({"gpus": 1}, "judge: ray.gpus: "),
    ],
)
def test_what_cannot_be_is_named(ray: object, why: str) -> None:
    with pytest.raises(InputError) as raised:
        judge(ray)
    assert str(raised.value).startswith(why)


def test_no_database_and_no_file_of_a_run_holds_where_it_ran() -> None:
    assert "ray" not in judge("auto").model_dump()
    assert "ray" not in judge("auto").model_dump(mode="json", exclude_defaults=True)
