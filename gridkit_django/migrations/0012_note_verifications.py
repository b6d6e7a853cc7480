"""Verifications of the audit trail: how far one is, and what it found."""

from __future__ import annotations

from typing import ClassVar

import django.utils.timezone
from django.db import migrations, models


class Migration(migrations.Migration):
    """Makes the table."""

    dependencies: ClassVar = [("gridkit_django", "0011_find_records_of_an_act")]

    operations: ClassVar = [
        migrations.CreateModel(
            name="AuditVerification",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("queued", "queued"),
                            ("running", "running"),
                            ("good", "nothing is wrong"),
                            ("faulty", "something is wrong"),
                            ("failed", "could not be finished"),
                        ],
                        default="queued",
                        max_length=10,
                        verbose_name="state",
                    ),
                ),
                ("requested_by", models.CharField(blank=True, max_length=200, verbose_name="requested by")),
                ("requested_at", models.DateTimeField(default=django.utils.timezone.now, verbose_name="requested at")),
                ("started_at", models.DateTimeField(blank=True, null=True, verbose_name="started at")),
                ("seen_at", models.DateTimeField(blank=True, null=True, verbose_name="last sign of life")),
                ("finished_at", models.DateTimeField(blank=True, null=True, verbose_name="finished at")),
                ("seals", models.BigIntegerField(default=0, verbose_name="seals verified")),
                ("seals_total", models.BigIntegerField(default=0, verbose_name="seals in all")),
                ("records", models.BigIntegerField(default=0, verbose_name="records verified")),
                ("unsealed", models.BigIntegerField(default=0, verbose_name="records without a seal")),
                ("fault_count", models.BigIntegerField(default=0, verbose_name="faults")),
                ("faults", models.JSONField(blank=True, default=list, verbose_name="what is wrong")),
                ("error", models.TextField(blank=True, verbose_name="why it could not be finished")),
            ],
            options={
                "verbose_name": "audit verification",
                "verbose_name_plural": "audit verifications",
                "ordering": ["-pk"],
            },
        ),
    ]
