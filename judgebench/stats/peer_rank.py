"""Peer rank: models that are also judges weigh each other's verdicts by their own rank.

After the peer rank of Li, Patel and Du 2023 (PRD, arXiv 2307.02762, section 2.1): a model's score is the weighted mean
of its win rates by each peer, a peer's weight is its own score divided by the sum of the peers'; again from there until
nothing changes. The paper brings scores to [0, 1] between the lowest and the highest before it divides, so that the
last peer has no weight; near ties that does not settle (on 18 of 60 simulated boards of equal models), so it is left
out here. Also beyond the paper, verdicts of a peer on its own outputs are left out, so that a peer is judged by the
others alone, models that judge nothing are ranked, too, and several judges of one LLM are one peer. Of a battle each
verdict has its share, so that at equal weights the scores are win rates of the same verdicts.

Intervals are those of a jackknife over instructions, in which the weights are found anew each time, with t and the
variance of two imagined instructions (``win_rate.InstructionSums.doubt``), so that they never collapse. They take the
peers as given: other peers would weigh otherwise.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from judgebench.counts import count
from judgebench.errors import StatisticsError
from judgebench.stats.intervals import critical_values
from judgebench.stats.method import Choices, Compared, Estimates
from judgebench.stats.verdict_table import Floats, VerdictTable, compared_outputs
from judgebench.stats.win_rate import InstructionSums

__all__ = ["PeerRank", "peer_rank"]
_Peers = NDArray[np.intp]
_ROUNDS = 10_000
_TOLERANCE = 1e-10  # of weights, which sum to 1
_CELLS = 1_000_000  # totals by peer and model, in memory at once
_METHOD = "jackknife with t, clustered by instruction, weights found anew"


@dataclass(frozen=True, slots=True, eq=False)
class PeerRank:
    """Scores, and the weights that they give; aligned to ``models`` and ``peers``."""

    models: tuple[str, ...]
    peers: tuple[str, ...]  # those of the models that judge
    score: Floats  # (k,) weighted win rate in [0, 1]; NaN for a model that no other peer judged
    weight: Floats  # (peers,) in [0, 1], summing to 1
    covariance: Floats  # (k, k) by the jackknife, with what imagined instructions add; NaN below two instructions
    degrees: Floats  # (k,) of freedom behind it
    others: tuple[str, ...]  # judges that are no model of the board, whose verdicts do not count
    own: int  # verdicts of peers on their own outputs, which do not count either


def peer_rank(table: VerdictTable, *, baseline: str | None = None) -> PeerRank:
    """Of all battles, or of those against ``baseline``, whose score is 1/2.

    ``table.judge_models`` names the LLM of each judge; a judge is a peer where that is a model with a battle.

    Raises StatisticsError with fewer than two peers, where one was judged by no other, or where weights do not settle.
    """
    met = table.against(baseline)
    peers, judged_as, others = _peers(met)
    places = np.array([table.model_code(name) for name in peers], dtype=np.intp)
    peer = judged_as[met.judge]
    own = (peer >= 0) & ((places[peer] == met.model_a) | (places[peer] == met.model_b))
    kept = (peer >= 0) & ~own
    totals = _Totals.of(met.select(kept), peer[kept], places, None if baseline is None else table.model_code(baseline))
    plain = totals.pooled(table.models)
    _check(plain.rates(np.ones(len(plain.won)))[places], peers)
    weight, score = _settled(totals, totals.won.sum(axis=0)[None], totals.battles.sum(axis=0)[None])
    _check(score[0, places], peers)
    covariance = _jackknife(totals) + np.diag(plain.doubt)
    degrees = plain.clustered.degrees
    if totals.fixed is not None:
        degrees[totals.fixed] = np.inf
    return PeerRank(table.models, peers, score[0], weight[0], covariance, degrees, others, int(own.sum()))


def estimates(table: VerdictTable, choices: Choices, baseline: str | None, rng: np.random.Generator) -> Estimates:
    """The leaderboard's method "peer-rank". Raises as ``peer_rank`` does."""
    ranked = peer_rank(table, baseline=baseline)
    half = critical_values(ranked.degrees, choices.level) * np.sqrt(np.diag(ranked.covariance))
    if baseline is not None:
        half[table.model_code(baseline)] = 0.0
    return Estimates(
        value=ranked.score,
        lower=np.clip(ranked.score - half, 0.0, 1.0),
        upper=np.clip(ranked.score + half, 0.0, 1.0),
        covariance=ranked.covariance,
        flags=[""] * len(table.models),
        method=_METHOD,
        scale="rate",
        compared=Compared(ranked.score, ranked.covariance, ranked.degrees),
        notes=tuple(_notes(ranked)),
    )


def _notes(ranked: PeerRank) -> list[str]:
    """Who weighs how much, and who is none of the peers."""
    order = np.lexsort((np.arange(len(ranked.peers)), -ranked.weight))
    weights = ", ".join(f"{ranked.peers[at]} {ranked.weight[at]:.3f}" for at in order)
    notes = [f"judges that are models of this board weigh by their own score: {weights}; wins and ties are unweighed"]
    if ranked.own:
        notes.append(f"{count(ranked.own, 'verdict')} of judges on their own outputs are left out")
    if ranked.others:
        notes.append(f"no models of this board, so their verdicts do not count: judges {', '.join(ranked.others)}")
    return notes


def _peers(table: VerdictTable) -> tuple[tuple[str, ...], _Peers, tuple[str, ...]]:
    """Names; of each judge which peer it is, -1 for none; and judges with verdicts that are none."""
    known = table.judge_models
    llms = known if known is not None and len(known) == len(table.judges) else ("",) * len(table.judges)
    present = {table.models[code] for code in np.unique(np.concatenate([table.model_a, table.model_b])).tolist()}
    active = np.unique(table.judge).tolist()
    peers = tuple(sorted({llms[code] for code in active} & present))
    if len(peers) < 2:
        llms_of = ", ".join(f"{table.judges[code]} asks {llms[code] or 'nobody known'}" for code in active)
        raise StatisticsError(
            f"peer rank needs at least two judges that are models of this board, too, and there are {len(peers)} "
            f"({llms_of}): have models judge each other, under the names by which their outputs were submitted"
        )
    others = tuple(table.judges[code] for code in active if llms[code] not in peers)
    return peers, np.array([peers.index(llm) if llm in peers else -1 for llm in llms], dtype=np.intp), others


def _check(scores: Floats, peers: tuple[str, ...]) -> None:
    """Raises StatisticsError."""
    unjudged = [name for name, score in zip(peers, scores, strict=True) if not np.isfinite(score)]
    if unjudged:
        raise StatisticsError(
            f"nobody whose verdicts weigh anything judged {', '.join(unjudged)}, so that its own weight is not known: "
            "have every judge's model judged by the others"
        )


@dataclass(frozen=True, slots=True, eq=False)
class _Totals:
    """By instruction, peer and model: summed preference for the model, and its battles."""

    won: csr_array  # (instructions, peers * models), a row each instruction with a verdict
    battles: csr_array
    places: _Peers  # (peers,) codes of the peers among the models
    fixed: int | None  # the baseline's code

    @classmethod
    def of(cls, rows: VerdictTable, peer: _Peers, places: _Peers, fixed: int | None) -> "_Totals":
        """``peer`` (n,) who gave each verdict. A battle counts once, each of its verdicts for a share of it."""
        models = len(rows.models)
        _, battle, verdicts = np.unique(compared_outputs(rows), return_inverse=True, return_counts=True)
        share = 1 / verdicts[battle]
        present, instruction = np.unique(rows.instruction, return_inverse=True)
        at = np.concatenate([instruction, instruction])
        cell = np.concatenate([peer * models + rows.model_a, peer * models + rows.model_b])
        won = np.concatenate([share * rows.preference, share * (1 - rows.preference)])
        shape = (len(present), len(places) * models)
        whole = np.concatenate([share, share])
        return cls(csr_array((won, (at, cell)), shape), csr_array((whole, (at, cell)), shape), places, fixed)

    def pooled(self, models: tuple[str, ...]) -> InstructionSums:
        """At equal weights."""
        shape = (self.won.shape[0], len(self.places), len(models))
        won, battles = (part.toarray().reshape(shape).sum(axis=1) for part in (self.won, self.battles))
        return InstructionSums(models, won, battles, self.fixed)


def _settled(totals: _Totals, won: Floats, battles: Floats) -> tuple[Floats, Floats]:
    """Weights (r, peers) and scores (r, k) of r totals (r, peers * k). Raises StatisticsError."""
    shape = (len(won), len(totals.places), won.shape[1] // len(totals.places))
    won, battles = won.reshape(shape), battles.reshape(shape)
    weight = np.full(shape[:2], 1 / shape[1])
    for _ in range(_ROUNDS):
        score = _scores(weight, won, battles, totals.fixed)
        before, weight = weight, _weights(score[:, totals.places])
        if np.abs(weight - before).max() < _TOLERANCE:
            return weight, score
    raise StatisticsError(f"the weights of peers do not settle in {_ROUNDS:,} rounds: rank by --all-judges instead")


def _scores(weight: Floats, won: Floats, battles: Floats, fixed: int | None) -> Floats:
    """(r, k); NaN for a model without a battle of any weight."""
    with np.errstate(invalid="ignore", divide="ignore"):
        scores: Floats = np.einsum("rp,rpk->rk", weight, won) / np.einsum("rp,rpk->rk", weight, battles)
    if fixed is not None:
        scores[:, fixed] = 0.5
    return scores


def _weights(own: Floats) -> Floats:
    """(r, peers) summing to 1, of the peers' scores; equal where nobody won anything."""
    known = np.nan_to_num(own)
    known[known.sum(axis=1) <= 0] = 1.0
    weights: Floats = known / known.sum(axis=1, keepdims=True)
    return weights


def _jackknife(totals: _Totals) -> Floats:
    """(k, k) covariance of scores, each instruction left out once; NaN below two."""
    instructions, cells = totals.won.shape
    models = cells // len(totals.places)
    if instructions < 2:
        return np.full((models, models), np.nan)
    won, battles = totals.won.sum(axis=0), totals.battles.sum(axis=0)
    step = max(_CELLS // cells, 1)
    parts = [slice(start, start + step) for start in range(0, instructions, step)]
    scores = np.concatenate(
        [_settled(totals, won - totals.won[p].toarray(), battles - totals.battles[p].toarray())[1] for p in parts]
    )
    apart = scores - scores.mean(axis=0)
    covariance: Floats = apart.T @ apart * (instructions - 1) / instructions
    return covariance
