"""Forms made from the JSON Schemas that pydantic writes."""

from __future__ import annotations

from typing import Any, Literal

from django.http import QueryDict
from pydantic import BaseModel, Field, SecretStr

from gridkit_django.admin.schema_forms import SchemaForm
from gridkit_django.exceptions import ErrorItem, PluginConfigError


class Personal(BaseModel):
    mask: list[str] = []
    level: int = Field(1, ge=1, le=3)


class Config(BaseModel):
    name: str
    formats: list[Literal["csv", "pdf"]] = ["csv"]
    mode: Literal["fast", "safe"] = "fast"
    ratio: float = 0.5
    active: bool = True
    key: SecretStr | None = None
    extra: dict[str, int] = {}
    personal: Personal = Personal()


def _form(data: dict[str, Any] | None = None, **options: Any) -> SchemaForm:
    body = None
    if data is not None:
        body = QueryDict(mutable=True)
        for name, value in data.items():
            body.setlist(name, value if isinstance(value, list) else [value])
    return SchemaForm(body, schema=Config.model_json_schema(), values=options.pop("values", {}), **options)


def test_form_of_a_schema_has_a_field_for_each_key_nested_ones_by_path() -> None:
    form = _form()

    names = ["name", "formats", "mode", "ratio", "active", "key", "extra", "personal.mask", "personal.level"]
    assert list(form.fields) == names


def test_form_initial_values_come_from_the_values_in_force_then_from_defaults() -> None:
    form = _form(values={"ratio": 0.25, "personal": {"mask": ["email", "ssn"]}})

    assert form["ratio"].value() == 0.25
    assert form["mode"].value() == "fast"
    assert form["personal.mask"].value() == "email\nssn"


def test_form_values_are_typed_and_nested() -> None:
    form = _form(
        {
            "name": "x",
            "formats": ["csv", "pdf"],
            "mode": "safe",
            "ratio": "0.75",
            "extra": '{"a": 1}',
            "personal.mask": "email\n\n ssn ",
            "personal.level": "2",
        }
    )

    assert form.is_valid(), form.errors
    assert form.values() == {
        "name": "x",
        "formats": ["csv", "pdf"],
        "mode": "safe",
        "ratio": 0.75,
        "active": False,
        "extra": {"a": 1},
        "personal": {"mask": ["email", "ssn"], "level": 2},
    }


def test_form_with_values_out_of_the_schema_names_the_fields() -> None:
    form = _form({"formats": ["exe"], "mode": "slow", "ratio": "much", "extra": "{", "personal.level": "9"})

    assert not form.is_valid()
    assert set(form.errors) == {"name", "formats", "mode", "ratio", "extra", "personal.level"}


def test_form_locked_key_is_disabled_and_left_out_of_the_values() -> None:
    form = _form({"name": "x", "mode": "safe", "ratio": "1"}, locked=frozenset({"mode"}))

    assert form.is_valid(), form.errors
    assert form.fields["mode"].disabled
    assert "mode" not in form.values()


def test_form_secret_is_a_password_field() -> None:
    assert _form()["key"].field.widget.input_type == "password"


def test_form_faults_of_the_model_stand_beside_their_fields() -> None:
    form = _form({"name": "x", "mode": "safe", "ratio": "1", "personal.level": "2"})
    form.is_valid()

    form.show_faults(
        PluginConfigError(
            "wrong",
            errors=[
                ErrorItem("/personal/mask/0", "plugin-config-invalid", "no such column"),
                ErrorItem("/other", "plugin-config-invalid", "unknown key"),
            ],
        )
    )

    assert form.errors["personal.mask"] == ["no such column"]
    assert form.non_field_errors() == ["/other: unknown key"]


def test_form_fault_without_a_place_stands_above_the_form() -> None:
    form = _form({"name": "x", "mode": "safe", "ratio": "1", "personal.level": "2"})
    form.is_valid()

    form.show_faults(PluginConfigError("all wrong"))

    assert form.non_field_errors() == ["all wrong"]
