"""Exports that go on after their worker died: segments, leases, numbers of runs."""

from __future__ import annotations

from typing import ClassVar

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    """Makes the table of segments and adds what a job remembers of its runs."""

    dependencies: ClassVar = [
        ("gridkit_django", "0013_picked_rows_of_exports"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations: ClassVar = [
        migrations.CreateModel(
            name="ExportSegment",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("number", models.PositiveIntegerField(verbose_name="number")),
                ("rows", models.PositiveBigIntegerField(verbose_name="rows")),
                ("size", models.PositiveBigIntegerField(verbose_name="size in bytes")),
                ("sha256", models.CharField(max_length=64, verbose_name="SHA-256")),
                ("bookmark", models.JSONField(verbose_name="where the next one goes on")),
                ("facts", models.JSONField(default=dict, verbose_name="what the joining must know")),
                ("file_name", models.CharField(max_length=300, verbose_name="name in the storage")),
                ("created_at", models.DateTimeField(auto_now_add=True, verbose_name="created at")),
            ],
            options={
                "verbose_name": "export segment",
                "verbose_name_plural": "export segments",
                "ordering": ["job", "number"],
            },
        ),
        migrations.AddField(
            model_name="exportjob",
            name="attempts",
            field=models.PositiveIntegerField(default=0, verbose_name="runs since it was asked for"),
        ),
        migrations.AddField(
            model_name="exportjob",
            name="bytes_done",
            field=models.PositiveBigIntegerField(default=0, verbose_name="bytes written"),
        ),
        migrations.AddField(
            model_name="exportjob",
            name="consistency",
            field=models.CharField(
                blank=True,
                choices=[
                    ("auto", "one moment for files of one segment, else as each segment is read"),
                    ("live", "as each segment is read"),
                    ("snapshot", "one moment"),
                ],
                max_length=10,
                verbose_name="moment of the rows",
            ),
        ),
        migrations.AddField(
            model_name="exportjob",
            name="consistency_asked",
            field=models.CharField(
                choices=[
                    ("auto", "one moment for files of one segment, else as each segment is read"),
                    ("live", "as each segment is read"),
                    ("snapshot", "one moment"),
                ],
                default="auto",
                max_length=10,
                verbose_name="moment asked for",
            ),
        ),
        migrations.AddField(
            model_name="exportjob",
            name="deaths",
            field=models.PositiveIntegerField(default=0, verbose_name="lost workers since the last segment"),
        ),
        migrations.AddField(
            model_name="exportjob",
            name="fence",
            field=models.PositiveBigIntegerField(default=0, verbose_name="number of the run"),
        ),
        migrations.AddField(
            model_name="exportjob",
            name="handed_at",
            field=models.DateTimeField(null=True, verbose_name="handed to the task queue at"),
        ),
        migrations.AddField(
            model_name="exportjob",
            name="lease_until",
            field=models.DateTimeField(null=True, verbose_name="belongs to its worker until"),
        ),
        migrations.AddField(
            model_name="exportjob",
            name="plan",
            field=models.JSONField(default=dict, verbose_name="what the segments were made for"),
        ),
        migrations.AddField(
            model_name="exportjob",
            name="rate",
            field=models.FloatField(null=True, verbose_name="rows a second"),
        ),
        migrations.AddField(
            model_name="exportjob",
            name="retry_at",
            field=models.DateTimeField(null=True, verbose_name="tried again not before"),
        ),
        migrations.AddField(
            model_name="exportjob",
            name="sha256",
            field=models.CharField(blank=True, max_length=64, verbose_name="SHA-256"),
        ),
        migrations.AddField(
            model_name="exportjob",
            name="stage",
            field=models.CharField(
                blank=True,
                choices=[("planning", "counting"), ("writing", "writing"), ("joining", "putting together")],
                max_length=20,
                verbose_name="stage",
            ),
        ),
        migrations.AddField(
            model_name="exportjob",
            name="tries",
            field=models.PositiveIntegerField(default=0, verbose_name="failed runs since the last segment"),
        ),
        migrations.AddIndex(
            model_name="exportjob",
            index=models.Index(fields=["state", "created_at"], name="gridkit_export_state"),
        ),
        migrations.AddField(
            model_name="exportsegment",
            name="job",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.CASCADE,
                related_name="segments",
                to="gridkit_django.exportjob",
                verbose_name="job",
            ),
        ),
        migrations.AddConstraint(
            model_name="exportsegment",
            constraint=models.UniqueConstraint(fields=("job", "number"), name="gridkit_export_segment_number"),
        ),
    ]
