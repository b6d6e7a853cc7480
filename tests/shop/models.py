"""One table per need of the tests: a product has a field of every column type, an order has foreign keys."""

from __future__ import annotations

import uuid
from decimal import Decimal

from django.core.validators import MinValueValidator
from django.db import models


class Customer(models.Model):
    """Somebody who orders; the e-mail address is what a column permission hides."""

    name = models.CharField(max_length=80)
    email = models.EmailField(unique=True)
    country = models.CharField(max_length=2, blank=True, default="")
    vip = models.BooleanField(default=False)
    since = models.DateField(null=True, blank=True)

    class Meta:
        ordering = ["pk"]

    def __str__(self) -> str:
        return self.name


class Product(models.Model):
    """Something to order, with a field of every column type; the last six may be empty."""

    class Category(models.TextChoices):
        """What kind of thing it is."""

        BOOK = "book", "Book"
        TOY = "toy", "Toy"
        TOOL = "tool", "Tool"

    sku = models.CharField(max_length=20, unique=True)
    name = models.CharField(max_length=80)
    category = models.CharField(max_length=10, choices=Category.choices, default=Category.BOOK)
    price = models.DecimalField(max_digits=10, decimal_places=2, validators=[MinValueValidator(Decimal(0))])
    stock = models.IntegerField(default=0)
    active = models.BooleanField(default=True)
    token = models.UUIDField(default=uuid.uuid4, editable=False)
    attributes = models.JSONField(default=dict, blank=True)
    updated = models.DateTimeField(auto_now=True)
    description = models.TextField(null=True, blank=True)  # noqa: DJ001 - the tests need a text that may be NULL
    rating = models.FloatField(null=True, blank=True)
    released = models.DateField(null=True, blank=True)
    restocked = models.DateTimeField(null=True, blank=True)
    opens = models.TimeField(null=True, blank=True)
    discount = models.DecimalField(max_digits=5, decimal_places=2, null=True, blank=True)

    class Meta:
        ordering = ["pk"]
        permissions = [("view_price", "Can see the price of a product")]

    def __str__(self) -> str:
        return self.name


class Specimen(models.Model):
    """A field of every type that Django has on each database, all of which may be empty."""

    key = models.UUIDField(primary_key=True, default=uuid.uuid4)
    text = models.TextField(null=True)  # noqa: DJ001 - NULL is one of the values
    whole = models.BigIntegerField(null=True)
    truth = models.BooleanField(null=True)
    money = models.DecimalField(max_digits=12, decimal_places=2, null=True)
    tiny = models.DecimalField(max_digits=12, decimal_places=9, null=True)
    units = models.DecimalField(max_digits=8, decimal_places=0, null=True)
    real = models.FloatField(null=True)
    moment = models.DateTimeField(null=True)
    day = models.DateField(null=True)
    clock = models.TimeField(null=True)
    span = models.DurationField(null=True)
    token = models.UUIDField(null=True)
    data = models.JSONField(null=True)
    raw = models.BinaryField(null=True)
    address = models.GenericIPAddressField(null=True)
    file = models.FileField(null=True)
    parent = models.ForeignKey("self", models.SET_NULL, null=True, related_name="children")

    class Meta:
        ordering = ["pk"]

    def __str__(self) -> str:
        return str(self.key)


class Order(models.Model):
    """A customer's order of one product; a referrer is optional, so a label through it may be NULL."""

    class State(models.TextChoices):
        """How far the order is."""

        NEW = "new", "New"
        PAID = "paid", "Paid"
        SENT = "sent", "Sent"

    customer = models.ForeignKey(Customer, models.CASCADE, related_name="orders")
    product = models.ForeignKey(Product, models.PROTECT, related_name="orders")
    referrer = models.ForeignKey(Customer, models.SET_NULL, null=True, blank=True, related_name="referred")
    quantity = models.PositiveIntegerField(default=1)
    state = models.CharField(max_length=10, choices=State.choices, default=State.NEW)
    note = models.CharField(max_length=200, blank=True, default="")
    placed = models.DateTimeField()

    class Meta:
        ordering = ["pk"]

    def __str__(self) -> str:
        return f"{self.quantity} x {self.product}"
