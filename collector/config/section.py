"""What all sections of the configuration file have in common."""

from typing import Any

from pydantic import BaseModel, ConfigDict, model_validator


class Section(BaseModel):
    """A mapping of the file. Unknown keys are errors, values do not change, inputs never show up in messages."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True, use_attribute_docstrings=True)

    @model_validator(mode="before")
    @classmethod
    def _nothing_means_default(cls, value: Any) -> Any:
        """`webhook:` with nothing behind it is a section of defaults; a known key without a value is not set."""
        if value is None:
            return {}
        if not isinstance(value, dict):
            return value
        return {key: item for key, item in value.items() if item is not None or key not in cls.model_fields}
