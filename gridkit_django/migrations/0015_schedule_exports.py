"""Exports on a schedule, and whom to tell of them."""

from __future__ import annotations

import uuid
from typing import ClassVar

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    """Makes the table and adds the columns."""

    dependencies: ClassVar = [
        ('gridkit_django', '0014_resume_exports'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations: ClassVar = [
        migrations.AddField(
            model_name='exportjob',
            name='notify',
            field=models.BooleanField(default=False, verbose_name='tell the owner by mail'),
        ),
        migrations.CreateModel(
            name='ExportSchedule',
            fields=[
                ('id', models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ('name', models.CharField(max_length=100, verbose_name='name')),
                ('grid', models.CharField(max_length=100, verbose_name='grid')),
                ('view', models.UUIDField(blank=True, help_text='Its id; the owner must see it.', null=True, verbose_name='saved view')),
                ('query', models.JSONField(blank=True, default=dict, help_text='Goes before what the view asks.', verbose_name='query')),
                ('format', models.CharField(max_length=40, verbose_name='format')),
                ('options', models.JSONField(blank=True, default=dict, verbose_name='options')),
                ('cron', models.CharField(help_text='minute hour day month weekday, as in: 30 6 * * mon-fri', max_length=100, verbose_name='crontab')),
                ('notify', models.BooleanField(default=True, verbose_name='tell the owner by mail')),
                ('enabled', models.BooleanField(default=True, verbose_name='enabled')),
                ('next_run_at', models.DateTimeField(blank=True, db_index=True, null=True, verbose_name='next export')),
                ('last_run_at', models.DateTimeField(blank=True, null=True, verbose_name='last export')),
                ('last_error', models.TextField(blank=True, verbose_name='why the last one was not made')),
                ('owner', models.ForeignKey(help_text='Gets the file, and must be allowed to export the grid each time.', on_delete=django.db.models.deletion.CASCADE, related_name='+', to=settings.AUTH_USER_MODEL, verbose_name='owner')),
            ],
            options={
                'verbose_name': 'scheduled export',
                'verbose_name_plural': 'scheduled exports',
                'ordering': ['name', 'pk'],
            },
        ),
        migrations.AddField(
            model_name='exportjob',
            name='schedule',
            field=models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='jobs', to='gridkit_django.exportschedule', verbose_name='schedule'),
        ),
    ]
