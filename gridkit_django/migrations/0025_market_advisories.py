"""Advisories of the marketplace that this site serves; what members of a publisher may do, said right."""

from __future__ import annotations

from typing import ClassVar

import django.utils.timezone
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    """Makes the table."""

    dependencies: ClassVar = [
        ('gridkit_django', '0024_sign_releases'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations: ClassVar = [
        migrations.CreateModel(
            name='MarketAdvisory',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('name', models.CharField(help_text='Like GKA-2026-7; never changes.', max_length=100, unique=True, verbose_name='id')),
                ('plugin_id', models.CharField(max_length=200, verbose_name='plugin id')),
                ('versions', models.CharField(help_text='A range, like <1.4.2', max_length=200, verbose_name='versions')),
                ('action', models.CharField(choices=[('warn', 'warn: tell the administrators'), ('disable', 'disable: stop it; an administrator may start it again'), ('block', 'block: stop it, and never start or install it')], max_length=10, verbose_name='sites should')),
                ('reason', models.TextField(help_text='One or two sentences; plain text.', max_length=2000, verbose_name='reason')),
                ('url', models.URLField(blank=True, max_length=500, verbose_name='more at')),
                ('withdrawn', models.BooleanField(default=False, verbose_name='withdrawn')),
                ('signed', models.BooleanField(default=False, editable=False, verbose_name='in the signed feed as it is here')),
                ('published_at', models.DateTimeField(default=django.utils.timezone.now, editable=False, verbose_name='published at')),
            ],
            options={
                'verbose_name': 'advisory',
                'verbose_name_plural': 'advisories',
                'ordering': ['-published_at', '-pk'],
            },
        ),
        migrations.AlterField(
            model_name='publisher',
            name='members',
            field=models.ManyToManyField(blank=True, help_text='May see its figures.', related_name='+', to=settings.AUTH_USER_MODEL, verbose_name='members'),
        ),
    ]
