"""The one way in which text is rendered from a template: a missing value is an error."""

import jinja2

from naas_hw.core.output_licence import SPDX_LINE
from naas_hw.core.resources import template_folder


def template_environment(folder: str, *, escapes_html: bool = False) -> jinja2.Environment:
    """The environment of the templates in a folder of `templates/`; `spdx` is the licence line.

    Parameters
    ----------
    folder : its name.
    escapes_html : whether values become text of HTML.
    """
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(template_folder() / folder),
        undefined=jinja2.StrictUndefined,
        autoescape=escapes_html,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.globals["spdx"] = SPDX_LINE
    return environment


def render_template(folder: str, name: str, /, **values: object) -> str:
    """A template in a folder of `templates/`, rendered as plain text."""
    return template_environment(folder).get_template(name).render(**values)
