"""Prompts that begin alike go to one server, the same in every process, unless it has too much to do."""

import asyncio
import subprocess
import sys
from collections import Counter, defaultdict
from collections.abc import Mapping
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from judgebench.clients.affinity import Desks, home, is_free_enough, number_of
from judgebench.clients.base import Client
from judgebench.clients.pool import Pool, PoolByTurns
from judgebench.judging.templates import make_nonce, render
from judgebench.records import Battle, ChatPrompt, Completion, Instruction, Order, Output, Prompt, PromptMessage, Trial
from judgebench.spec import templates

SERVERS = st.lists(st.integers(0, 2**64 - 1), min_size=1, max_size=12, unique=True)
BEGINNINGS = st.lists(st.integers(0, 2**64 - 1), min_size=1, max_size=30)


@given(SERVERS, BEGINNINGS, st.randoms())
def test_a_home_does_not_depend_on_the_order_of_servers(servers: list[int], beginnings: list[int], rng: Any) -> None:
    shuffled = rng.sample(servers, len(servers))
    for beginning in beginnings:
        assert servers[home(beginning, tuple(servers))] == shuffled[home(beginning, tuple(shuffled))]


@given(SERVERS, BEGINNINGS, st.data())
def test_where_a_server_goes_only_its_own_prompts_move(servers: list[int], beginnings: list[int], data: Any) -> None:
    gone = data.draw(st.sampled_from(servers))
    left = [server for server in servers if server != gone]
    for beginning in beginnings:
        before = servers[home(beginning, tuple(servers))]
        assert before == gone or before == left[home(beginning, tuple(left))]


def test_prompts_are_spread_over_servers() -> None:
    servers = tuple(number_of(f"http://gpu{number}:8000") for number in range(8))
    homes = Counter(home(number_of(str(number)), servers) for number in range(8000))
    assert min(homes.values()) > 850
    assert max(homes.values()) < 1150


def test_a_number_is_the_same_in_every_process() -> None:
    code = "from judgebench.clients.affinity import number_of; print(number_of('\\ud800 a'))"
    others = {subprocess.run([sys.executable, "-c", code], check=True, capture_output=True).stdout for _ in range(2)}
    assert others == {f"{number_of(chr(0xD800) + ' a')}\n".encode()}


@given(st.integers(0, 500), st.integers(0, 1000), st.integers(1, 12))
def test_a_home_takes_no_more_than_a_tenth_above_the_mean_but_a_few(load: int, others: int, servers: int) -> None:
    total = load + others
    assert is_free_enough(load, total, servers) == (load <= 4 or load <= 1.1 * total / servers)


class Holding:
    """Answers when it is told to."""

    def __init__(self) -> None:
        self.held: list[tuple[str | None, asyncio.Future[None]]] = []

    async def complete(self, prompt: Prompt, settings: Mapping[str, Any]) -> Completion:
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.held.append((prompt.alike, future))
        await future
        return Completion("A")

    async def close(self) -> None:
        return


def about(alike: str | None) -> ChatPrompt:
    return ChatPrompt((PromptMessage("user", "A or B?"),), alike)


@settings(deadline=None, max_examples=60)
@given(
    st.integers(2, 5),
    st.lists(st.tuples(st.integers(0, 3), st.booleans()), min_size=1, max_size=120),
    st.integers(5, 60),
)
def test_no_server_is_chosen_that_has_more_than_the_mean_and_more_than_another(
    number: int, steps: list[tuple[int, bool]], limit: int
) -> None:
    async def run() -> None:
        clients = {f"http://gpu{place}/v1": Holding() for place in range(number)}
        named: dict[str, Client] = dict(clients)
        pool, tasks = Pool(named, limit), []
        for subject, is_answered in steps:
            before = [len(client.held) for client in clients.values()]
            tasks.append(asyncio.create_task(pool.complete(about(f"instruction {subject}"), {})))
            await asyncio.sleep(0)
            await asyncio.sleep(0)
            after = [len(client.held) for client in clients.values()]
            for load, more in zip(before, after, strict=True):
                if more > load:
                    assert load == min(before) or load <= max(4, 1.1 * sum(before) / number)
            if is_answered:
                client = max(clients.values(), key=lambda client: len(client.held))
                client.held.pop(0)[1].set_result(None)
                await asyncio.sleep(0)
                await asyncio.sleep(0)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await pool.close()
        assert pool.in_flight == 0

    asyncio.run(run())


def test_both_orders_and_repeats_of_an_instruction_go_to_one_server() -> None:
    """As long as that has no more than a few; questions without a beginning go where the fewest are."""

    async def run() -> tuple[int, int]:
        clients = {f"http://gpu{place}/v1": Holding() for place in range(4)}
        named: dict[str, Client] = dict(clients)
        pool = Pool(named, 400)
        servers: dict[str | None, set[int]] = defaultdict(set)
        for subject in range(60):
            asked = [asyncio.create_task(pool.complete(about(f"instruction {subject}"), {})) for _ in range(4)]
            await asyncio.sleep(0.001)
            for place, client in enumerate(clients.values()):
                for alike, answered in client.held:
                    servers[alike].add(place)
                    answered.set_result(None)
                client.held.clear()
            await asyncio.gather(*asked)
        plain = [asyncio.create_task(pool.complete(about(None), {})) for _ in range(12)]
        await asyncio.sleep(0.001)
        most = max(len(client.held) for client in clients.values())
        for task in plain:
            task.cancel()
        await asyncio.gather(*plain, return_exceptions=True)
        await pool.close()
        return max(map(len, servers.values())), most

    assert asyncio.run(run()) == (1, 3)


def test_prompts_are_alike_where_they_begin_with_the_instruction() -> None:
    """Whatever template: then what they share is longer than what prompts about two instructions share."""
    first, second = (Instruction((f"{word}? " * 30,), reference="Yes.", checklist=("Is it?",)) for word in "xy")

    def rendered(name: str, instruction: Instruction, *, swapped: bool) -> ChatPrompt:
        a, b = (Output(instruction.key, model, f"By {model}. " * 9, afterwards="Later.") for model in "ab")
        trial = Trial("judge", Battle(instruction, a, b), Order.BA if swapped else Order.AB)
        prompt = render(by_id[name], trial, nonce=make_nonce(trial.key, 1))
        assert isinstance(prompt, ChatPrompt)
        return prompt

    def shared(one: ChatPrompt, other: ChatPrompt) -> int:
        texts = ["\n".join(message.content for message in prompt.messages) for prompt in (one, other)]
        return next(place for place, pair in enumerate(zip(*texts, strict=False)) if pair[0] != pair[1])

    by_id = {template.id: template for template in templates() if template.kind == "pairwise" and template.user}
    assert {name for name, template in by_id.items() if not template.begins_alike} == {"pairwise/two-way.v1"}
    for name, template in by_id.items():
        one, swapped, other = (
            rendered(name, instruction, swapped=is_swapped)
            for instruction, is_swapped in ((first, False), (first, True), (second, True))
        )
        assert one.alike == swapped.alike == (first.key if template.begins_alike else None)
        assert (shared(one, swapped) > shared(one, other) + 60) == template.begins_alike


class ByTurns:
    """Computes what it was not asked before, one after the other."""

    def __init__(self) -> None:
        self.computed: list[str | None] = []
        self._turn = asyncio.Lock()

    async def complete(self, prompt: Prompt, settings: Mapping[str, Any]) -> Completion:
        async with self._turn:
            await asyncio.sleep(0 if prompt.alike in self.computed else 0.001)
            if prompt.alike not in self.computed:
                self.computed.append(prompt.alike)
        return Completion("A")

    async def close(self) -> None:
        return


@settings(deadline=None, max_examples=10)
@given(st.integers(2, 4), st.sampled_from([8, 16, 64]))
def test_both_orders_are_computed_once_where_each_worker_answers_by_turns(number: int, in_flight: int) -> None:
    async def run() -> list[int]:
        workers = {f"worker {place}": ByTurns() for place in range(number)}
        pool = PoolByTurns(dict[str, Client](workers), in_flight)
        questions = iter([about(f"{place}") for place in range(60) for _ in Order])

        async def work() -> None:
            for question in questions:
                await pool.complete(question, {})

        await asyncio.gather(*(work() for _ in range(in_flight)))
        await pool.close()
        return [len(worker.computed) for worker in workers.values()]

    computed = asyncio.run(run())
    assert sum(computed) == 60
    assert max(computed) - min(computed) <= 8


@given(st.lists(st.tuples(st.integers(0, 3), st.dictionaries(st.integers(0, 3), st.integers(0, 9), min_size=1))))
def test_a_worker_that_is_gone_or_full_is_not_chosen(questions: list[tuple[int, dict[int, int]]]) -> None:
    desks = Desks()
    for beginning, loads in questions:
        assert desks.find(beginning, loads) in loads
