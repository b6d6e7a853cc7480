"""What is followed of each table: the fields of its model, links of many-to-many fields, and inherited fields."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias, TypeVar

from django.apps import apps
from django.db import models
from django.db.backends.base.base import BaseDatabaseWrapper

from gridkit_django.audit.capture.values import Field, Reader, keeps_nothing, key_text, reader_of
from gridkit_django.audit.labels import label_field
from gridkit_django.audit.policies import AuditPolicy, PolicyTable
from gridkit_django.audit.scope import grid_of
from gridkit_django.audit.targets import ModelClass
from gridkit_django.exceptions import AuditUnavailableError


class Policied:
    """The policies of one model, by the grid at work.

    Args:
        table: all policies.
        label: the model, in lower case.
        beside: whether the database records the changes itself, so that only encrypted values are told.

    Attributes:
        label: the model.
        beside: the same as the argument.
        general: the policy of a write through no grid, None when it leaves no record.
    """

    def __init__(self, table: PolicyTable, label: str, *, beside: bool = False) -> None:
        self.label = label
        self.beside = beside
        self.general = table.effective(label)
        self._by_grid = {grid: table.effective(label, grid) for grid in table.grids_of(label)}
        self._labels = {id(policy): label_field(policy) for policy in self.all()}

    def now(self) -> tuple[AuditPolicy | None, str]:
        """Return the policy that holds at this moment, and the grid at work."""
        grid = grid_of(self.label)
        return (self._by_grid.get(grid, self.general) if grid else self.general), grid

    def all(self) -> tuple[AuditPolicy, ...]:
        """Return every policy that may hold at some moment."""
        return tuple(policy for policy in (self.general, *self._by_grid.values()) if policy is not None)

    def label_field(self, policy: AuditPolicy) -> Field | None:
        """Return the field that labels rows by one of the policies, or None."""
        return self._labels[id(policy)]

    def label_fields(self) -> tuple[Field, ...]:
        """Return the fields that label rows by any policy."""
        return tuple({item.name: item for item in self._labels.values() if item is not None}.values())

    def follows(self, name: str) -> bool:
        """Whether any policy follows a field."""
        return any(policy.follows(name) for policy in self.all())


@dataclass(frozen=True, slots=True)
class Link:
    """A many-to-many field, seen from its table of pairs.

    Attributes:
        policies: those of the model that has the field.
        model: that model.
        name: the field's name.
        source: the column of the pair that leads to the model.
        target: the column that leads to the other side.
    """

    policies: Policied
    model: ModelClass
    name: str
    source: Field
    target: Field


@dataclass(frozen=True, slots=True)
class Heir:
    """A followed model whose table holds only a part of its fields: others are in the table at hand.

    Attributes:
        policies: those of the model.
        model: the model, a child of the one at hand.
        names: the fields of the table at hand that it inherits.
    """

    policies: Policied
    model: ModelClass
    names: frozenset[str]


@dataclass(frozen=True, slots=True)
class Lineage:
    """Fields that a followed model has from one of its parents.

    Attributes:
        link: the column of the model's own table that leads to the parent.
        parent: the parent.
        fields: the inherited fields, of the parent or of one of its own parents.
    """

    link: Field
    parent: ModelClass
    fields: tuple[Field, ...]


@dataclass(frozen=True, slots=True)
class Shape:
    """What an UPDATE of certain fields means for a table.

    Attributes:
        fields: the fields whose values are read before and after.
        moves: whether it changes a key.
    """

    fields: tuple[Field, ...]
    moves: bool


@dataclass(frozen=True, slots=True)
class Inserted:
    """What an INSERT into a table returns.

    Attributes:
        columns: the fields, first those that Django asks for.
        keys: where among them those of the key are.
        values: where the followed ones are.
    """

    columns: tuple[Field, ...]
    keys: tuple[int, ...]
    values: tuple[int, ...]


_Made = TypeVar("_Made")

Known: TypeAlias = tuple[str, Reader, bool]

KEY_MAX = 200
"""Characters of a key at most; ``AuditRecord.target_id`` holds no more, and is indexed."""

_SHAPES_MAX = 200
"""Sets of fields that are remembered for a table: code names few, and whoever names many pays for it."""


@dataclass(frozen=True, slots=True)
class Watch:
    """What is watched of one table.

    Attributes:
        model: the concrete model.
        policies: those of the model itself, or None.
        keys: the fields of its primary key.
        fields: the fields of its table that are followed by anybody.
        links: the many-to-many fields whose pairs it holds.
        heirs: the models that inherit fields from it.
        lineages: the fields that the model itself has from parents nobody follows.
        labels: the fields of its table that label rows.
    """

    model: ModelClass
    policies: Policied | None
    keys: tuple[Field, ...]
    fields: tuple[Field, ...]
    links: tuple[Link, ...]
    heirs: tuple[Heir, ...]
    lineages: tuple[Lineage, ...]
    labels: tuple[Field, ...]
    _readers: dict[tuple[str, str], Reader] = field(default_factory=dict, compare=False)
    _many_readers: dict[tuple[str, tuple[str, ...]], tuple[Known, ...]] = field(default_factory=dict, compare=False)
    _shapes: dict[tuple[str, ...], Shape] = field(default_factory=dict, compare=False)
    _inserted: dict[tuple[str, ...], Inserted] = field(default_factory=dict, compare=False)
    _remembered: dict[tuple[Any, ...], Any] = field(default_factory=dict, compare=False)

    @property
    def is_entangled(self) -> bool:
        """Whether other tables tell a part of a change of it, or it tells a part of a change of others."""
        return bool(self.links or self.heirs or self.lineages)

    def remembered(self, place: tuple[Any, ...], make: Callable[[], _Made]) -> _Made:
        """Return what was made under a name before, or make it: what is worked out once for a form of statement."""
        try:
            found: _Made = self._remembered[place]
        except KeyError:
            if len(self._remembered) >= _SHAPES_MAX:
                self._remembered.clear()
            found = self._remembered[place] = make()
        return found

    def inserted(self, returning: Sequence[Field]) -> Inserted:
        """Return what an INSERT returns when Django asks for these fields."""
        names = tuple([item.name for item in returning])
        found = self._inserted.get(names)
        if found is None:
            columns = tuple(dict.fromkeys((*returning, *self.keys, *self.fields)))
            places = {item: place for place, item in enumerate(columns)}
            keys, values = (tuple(places[item] for item in items) for items in (self.keys, self.fields))
            found = self._inserted[names] = Inserted(columns, keys, values)
        return found

    def shape(self, names: tuple[str, ...]) -> Shape:
        """Return what an UPDATE that sets the fields of these names means."""
        found = self._shapes.get(names)
        if found is None:
            if len(self._shapes) >= _SHAPES_MAX:
                self._shapes.clear()
            found = self._shapes[names] = self._shape_of(frozenset(names))
        return found

    def _shape_of(self, names: frozenset[str]) -> Shape:
        fields = [item for item in self.fields if item.name in names]
        if self.links and fields:
            fields = list(self.fields)
        fields += [item for item in self.keys if item.name in names and item not in fields]
        if fields:
            fields += [item for item in self.labels if item not in fields]
        return Shape(tuple(fields), any(item.name in names for item in self.keys))

    def reader(self, item: Field, connection: BaseDatabaseWrapper) -> Reader:
        """Return what reads the driver's value of a field of this table."""
        place = (connection.alias, item.name)
        found = self._readers.get(place)
        if found is None:
            found = self._readers[place] = reader_of(item, connection)
        return found

    def readers(self, fields: Sequence[Field], connection: BaseDatabaseWrapper) -> tuple[Known, ...]:
        """Return name and reader of each of some fields of this table, and whether NULL is None to it for sure."""
        place = (connection.alias, tuple([item.name for item in fields]))
        found = self._many_readers.get(place)
        if found is None:
            if len(self._many_readers) >= _SHAPES_MAX:
                self._many_readers.clear()
            found = tuple(
                (item.name, self.reader(item, connection), keeps_nothing(item, connection)) for item in fields
            )
            self._many_readers[place] = found
        return found

    def key(self, raw: Sequence[Any], connection: BaseDatabaseWrapper) -> str:
        """Return a primary key, as the driver gave it, as text.

        Raises:
            AuditUnavailableError: when it is longer than a record can hold; a part of a key would name another row.
        """
        if len(raw) == 1:
            text = str(self.reader(self.keys[0], connection)(raw[0]))
        else:
            text = key_text([self.reader(item, connection)(value) for item, value in zip(self.keys, raw, strict=True)])
        if len(text) > KEY_MAX:
            raise AuditUnavailableError(
                f"A row of {self.model._meta.label} has a key of {len(text)} characters, and an audit record holds "
                f"{KEY_MAX}. Nothing was changed. Do not follow the model, or give its rows shorter keys."
            )
        return text


class WatchBook:
    """What is watched of every table, made of one policy table.

    Args:
        table: the policies.
        labels: the models to watch, others are followed by somebody else; None for all.
        beside: those of them whose changes the database records itself, without encrypted values.
    """

    def __init__(
        self, table: PolicyTable, labels: Collection[str] | None = None, beside: Collection[str] = frozenset()
    ) -> None:
        found = {label: Policied(table, label, beside=label in beside) for label in table.by_model}
        self._policies = {label: policies for label, policies in found.items() if policies.all()}
        self._watched = {
            label: policies for label, policies in self._policies.items() if labels is None or label in labels
        }
        self._links = list(self._all_links())
        self._heirs = list(self._all_heirs())
        models_ = {model for model, _ in (*self._links, *self._heirs)}
        models_ |= {apps.get_model(label) for label in self._watched}
        self.by_label: Mapping[str, Watch] = {model._meta.label_lower: self.watch(model) for model in models_}

    def watch(self, model: ModelClass) -> Watch:
        """Return what is watched of a table.

        Args:
            model: its concrete model; one of a migration's state is read like today's of the same label.
        """
        options: Any = model._meta
        policies = self._watched.get(options.label_lower)
        links = tuple(link for through, link in self._links if through._meta.label_lower == options.label_lower)
        heirs = tuple(heir for parent, heir in self._heirs if parent._meta.label_lower == options.label_lower)
        lineages, keys = self._lineages(options, policies), _key_fields(options)
        ends = {item.name for link in links for item in (link.source, link.target)}
        leads = {line.link.name for line in lineages if line.link not in keys}
        wanted = frozenset[str](ends | leads).union(*(heir.names for heir in heirs))
        fields = tuple(
            item
            for item in options.local_concrete_fields
            if not item.generated
            and (item.name in wanted or (item not in keys and policies is not None and policies.follows(item.name)))
        )
        names = {item.name for item in policies.label_fields()} if policies is not None else set()
        labels = tuple(item for item in fields if item.name in names)
        return Watch(model, policies, keys, fields, links, heirs, lineages, labels)

    def many_to_many(self) -> Iterable[Any]:
        """Yield the attributes of models that lead to followed many-to-many fields, of both sides."""
        for _, link in self._links:
            relation: Any = link.model._meta.get_field(link.name)
            yield getattr(link.model, link.name)
            if not relation.remote_field.hidden:
                yield getattr(relation.related_model, relation.remote_field.get_accessor_name())

    def _all_links(self) -> Iterable[tuple[ModelClass, Link]]:
        for label, policies in self._watched.items():
            model = apps.get_model(label)
            for relation in _own_many_to_many(model, self._policies):
                if policies.follows(relation.name):
                    through: Any = relation.remote_field.through
                    source = through._meta.get_field(relation.m2m_field_name())
                    target = through._meta.get_field(relation.m2m_reverse_field_name())
                    yield through, Link(policies, model, relation.name, source, target)

    def _all_heirs(self) -> Iterable[tuple[ModelClass, Heir]]:
        for label, policies in self._watched.items():
            model = apps.get_model(label)
            for parent in _quiet_parents(model, self._policies):
                names = frozenset(
                    item.name
                    for item in parent._meta.local_concrete_fields
                    if not item.primary_key and not item.generated and policies.follows(item.name)
                )
                if names:
                    yield parent, Heir(policies, model, names)

    def _lineages(self, options: Any, policies: Policied | None) -> tuple[Lineage, ...]:
        names = [heir.names for _, heir in self._heirs if heir.policies is policies]
        by_link: dict[Any, list[Field]] = {}
        for name in sorted(frozenset[str]().union(*names)):
            item = options.get_field(name)
            by_link.setdefault(options.get_ancestor_link(item.model), []).append(item)
        return tuple(Lineage(link, link.related_model, tuple(items)) for link, items in by_link.items())


def _key_fields(options: Any) -> tuple[Field, ...]:
    return tuple(getattr(options, "pk_fields", None) or (options.pk,))


def _quiet_parents(model: ModelClass, followed: Mapping[str, Any]) -> Sequence[ModelClass]:
    """Return the parents with a table of their own that nobody follows for themselves."""
    parents = {item._meta.concrete_model for item in model._meta.all_parents}
    others = [item for item in parents if item is not None and item is not model._meta.concrete_model]
    return [item for item in others if item._meta.label_lower not in followed]


def _own_many_to_many(model: ModelClass, followed: Mapping[str, Any]) -> Sequence[models.ManyToManyField[Any, Any]]:
    """Return the many-to-many fields that are recorded under this model: its own, and those of quiet parents."""
    tables = [model, *_quiet_parents(model, followed)]
    return [relation for table in tables for relation in table._meta.local_many_to_many]
