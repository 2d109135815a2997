"""Why an operator is no layer."""


class UnmappableError(Exception):
    """The accelerator cannot run this operator; the text says why."""
