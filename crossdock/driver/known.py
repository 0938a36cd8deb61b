"""Faults that peers are known to have: when they show, and why.

Each is a claim that can be wrong in two ways, and the driver reports both: a fault that is not in
the table fails, and so does one in the table that does not happen where it should.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Callable

from .chain import Finding, Scenario

State = dict[str, Any]


@dataclass(frozen=True)
class Known:
    """A fault on a hop.

    :ivar label: by which tables refer to it
    :ivar peer: whose fault it is
    :ivar senders: names of peers; empty for all
    :ivar receivers: names of peers; empty for all
    :ivar propagation: the format in which it shows
    :ivar aspect: what does not arrive
    :ivar when: whether it shows, given what the sender says that it had
    :ivar condition: the same in words
    :ivar reason: why
    """

    label: str
    peer: str
    senders: tuple[str, ...]
    receivers: tuple[str, ...]
    propagation: str
    aspect: str
    when: Callable[[State], bool]
    condition: str
    reason: str

    def covers(self, scenario: Scenario, sender: str, receiver: str, state: State) -> bool:
        """Return whether this fault must show on a hop whose sender had *state*."""
        return (
            self.propagation == scenario.propagation
            and (not self.senders or sender in self.senders)
            and (not self.receivers or receiver in self.receivers)
            and self.when(state)
        )


def _sampled_debug(state: State) -> bool:
    return bool(state["sampled"] and state["debug"])


def _debug_only(state: State) -> bool:
    return bool(state["debug"] and not state["sampled"])


KNOWN = (
    Known(
        label="a",
        peer="node, python-old",
        senders=("go", "java"),
        receivers=("node", "python-old"),
        propagation="jaeger",
        aspect="baggage",
        when=lambda state: " " in state["baggage"],
        condition="a value with a blank",
        reason="Go and Java write a blank as a plus; these two do not read it as one",
    ),
    Known(
        label="b",
        peer="go",
        senders=(),
        receivers=("go",),
        propagation="b3",
        aspect="debug",
        when=lambda state: bool(state["debug"]),
        condition="debug",
        reason="does not read X-B3-Flags",
    ),
    Known(
        label="c",
        peer="go",
        senders=("go",),
        receivers=("this", "node", "java", "python-old"),
        propagation="b3",
        aspect="debug",
        when=lambda state: bool(state["debug"]),
        condition="debug",
        reason="does not write X-B3-Flags",
    ),
    Known(
        label="d",
        peer="go",
        senders=("this", "node", "python-old"),
        receivers=("go",),
        propagation="b3",
        aspect="sampled",
        when=_sampled_debug,
        condition="debug",
        reason="does not read X-B3-Flags, which implies that the trace is sampled and, as the "
        "specification has it, stands without X-B3-Sampled",
    ),
    Known(
        label="e",
        peer="java, python-old",
        senders=("this", "node", "python-old"),
        receivers=("java", "python-old"),
        propagation="b3",
        aspect="sampled",
        when=_sampled_debug,
        condition="debug",
        reason="they read X-B3-Flags as debug but not sampled, a state that should not be",
    ),
    Known(
        label="f",
        peer="java, python-old",
        senders=("java", "python-old"),
        receivers=("this", "node"),
        propagation="b3",
        aspect="sampled",
        when=_debug_only,
        condition="debug, after fault e",
        reason="the next server reads debug as sampled again: the loss was in between",
    ),
    Known(
        label="g",
        peer="python-old",
        senders=("python-old",),
        receivers=("this",),
        propagation="b3",
        aspect="sampled",
        when=lambda state: not state["sampled"] and not state["debug"],
        condition="not sampled",
        reason="writes nothing for it, which means that the receiver decides, and it does",
    ),
    *(
        Known(
            label="h",
            peer="java",
            senders=senders,
            receivers=receivers,
            propagation="w3c",
            aspect="baggage",
            when=lambda state: bool(state["baggage"]),
            condition="any baggage",
            reason="has no codec for W3C baggage",
        )
        for senders, receivers in ((("java",), ()), (("this",), ("java",)))
    ),
)


@dataclass(frozen=True)
class Judgement:
    """What is to be said of one chain.

    :ivar failures: findings that nobody knows
    :ivar known: pairs of a finding and the fault that explains it
    :ivar gone: a text for each fault that should have shown and did not
    """

    failures: list[Finding]
    known: list[tuple[Finding, Known]]
    gone: list[str]


def judge(
    scenario: Scenario,
    names: list[str],
    answers: list[dict[str, Any]],
    findings: list[Finding],
    table: tuple[Known, ...] = KNOWN,
) -> Judgement:
    """Sort the *findings* of a chain, hop by hop, by what the *table* expects."""
    # A chain may have the same two neighbours twice, so that each hop takes what is its own.
    left, known, gone = list(findings), [], []
    for number in range(min(len(names), len(answers)) - 1):
        sender, receiver, state = names[number], names[number + 1], answers[number]["span"]
        for fault in table:
            if not fault.covers(scenario, sender, receiver, state):
                continue
            for finding in left:
                if (
                    (finding.hop, finding.aspect) == (number, fault.aspect)
                    and finding.sender == sender
                    and finding.receiver == receiver
                ):
                    left.remove(finding)
                    known.append((finding, fault))
                    break
            else:
                gone.append(f"fault {fault.label} did not show: {sender} -> {receiver}, {scenario}")
    return Judgement(left, known, gone)
