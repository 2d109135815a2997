"""How the weights of networks are trained."""

from pydantic import BaseModel, ConfigDict, Field


class TrainingSettings(BaseModel):
    """How weights are trained: AdamW on shuffled batches, one cycle of the learning rate.

    Parameters
    ----------
    num_random : networks drawn for each batch, beside the largest and the smallest.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    num_epochs: int = Field(default=40, ge=1)
    batch_size: int = Field(default=64, ge=2)
    learning_rate: float = Field(default=0.01, gt=0)
    weight_decay: float = Field(default=1e-4, ge=0)
    num_random: int = Field(default=2, ge=0)
    seed: int = Field(default=0, ge=0)
