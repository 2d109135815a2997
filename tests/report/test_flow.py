"""A graph as rows: no line runs through a node that does not read it, in any graph."""

from hypothesis import given
from hypothesis import strategies as st

from naas_hw.report.flow import FlowKind, FlowNode, draw_flow, lanes_of

KIND = FlowKind(name="kind", mark="square", tone=0)


@st.composite
def graphs(draw: st.DrawFn) -> list[tuple[int, ...]]:
    """For each node the earlier ones that it reads."""
    length = draw(st.integers(1, 24))
    return [
        tuple(sorted(draw(st.sets(st.integers(0, node - 1), max_size=3)))) if node else ()
        for node in range(length)
    ]


@given(graphs())
def test_a_lane_belongs_to_one_node_at_a_time(sources):
    lanes = lanes_of(sources)
    for node in range(len(sources)):
        for other in range(node):
            if lanes.last[other] > node:
                assert lanes.lanes[other] != lanes.lanes[node]
    for node, of_node in enumerate(sources):
        assert all(lanes.last[source] >= node for source in of_node)


@given(graphs())
def test_a_chain_beside_nothing_stays_in_the_first_lane(sources):
    chain = [(node - 1,) if node else () for node in range(len(sources))]
    assert lanes_of(chain).count == 1


def rows_of(length: int, name: str = "n") -> list[FlowNode]:
    return [
        FlowNode(
            sources=(row - 1,) if row else (), kind=KIND, name=f"{name}{row}", end="1k",
            note="note", full="full",
        )
        for row in range(length)
    ]  # fmt: skip


def test_every_node_is_drawn_once_and_a_long_graph_has_columns_of_a_length():
    picture = draw_flow("title", rows_of(56))
    columns = picture.split("</svg>")[:-1]
    assert [column.count("<title>") for column in columns] == [28, 28]
    assert all(picture.count(f">n{row}<") == 1 for row in range(56))


def test_names_are_text():
    assert "<b>" not in draw_flow("<b>", rows_of(2, name="<b>"))
