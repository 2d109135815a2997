"""What a joint search has cost, beside the GPU days of others."""

from typing import Final

from naas_hw.experiments.naas_paper import TIMES_CHEAPER

SECONDS_OF_A_DAY: Final = 86400


def search_cost_text(cpu_seconds: float) -> str:
    """CPU seconds and days; NAAS states its GPU days only as a part of NASAIC's."""
    return (
        f"{cpu_seconds:,.0f} CPU seconds ({cpu_seconds / SECONDS_OF_A_DAY:.4f} CPU days), training "
        f"apart; NAAS reports over {TIMES_CHEAPER} times fewer GPU days than NASAIC"
    )
