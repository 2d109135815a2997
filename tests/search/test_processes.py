"""Workers of a search start with what they need, and without what they do not."""

from naas_hw.search.processes import worker_processes


def test_a_worker_has_neither_torch_nor_the_hardware_loaded():
    with worker_processes(2) as pool:
        assert pool is not None
        loaded = set(pool.submit(eval, "list(__import__('sys').modules)").result())
    assert "naas_hw.search.mapping.network_search" in loaded
    assert loaded.isdisjoint({"torch", "amaranth", "typer", "distributed", "naas_hw.api"})


def test_one_process_is_this_one():
    with worker_processes(1) as executor:
        assert executor is None
