"""Why an operator is no layer."""


class NotMappable(Exception):
    """The accelerator cannot run this operator; the text says why."""
