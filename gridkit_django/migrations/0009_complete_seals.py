"""Let seals say up to where they are complete, mark each record, and let receipts of purges be signed."""

from __future__ import annotations

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('gridkit_django', '0008_audit_operations'),
    ]

    operations = [
        migrations.AddField(
            model_name='auditseal',
            name='low',
            field=models.BigIntegerField(default=0, help_text='all records up to this id are sealed', verbose_name='complete up to'),
            preserve_default=False,
        ),
        migrations.AddField(
            model_name='auditseal',
            name='marks',
            field=models.BinaryField(default=b'', help_text='the first 8 bytes of the digest of each record, by id', verbose_name='marks'),
            preserve_default=False,
        ),
        migrations.AddField(
            model_name='auditseal',
            name='waiting',
            field=models.JSONField(blank=True, help_text='open transactions at the time, and the newest id then', null=True, verbose_name='waiting for'),
        ),
        migrations.AddField(
            model_name='auditpurge',
            name='key_id',
            field=models.CharField(default='', max_length=64, verbose_name='signing key'),
            preserve_default=False,
        ),
        migrations.AddField(
            model_name='auditpurge',
            name='signature',
            field=models.BinaryField(default=b'', verbose_name='signature'),
            preserve_default=False,
        ),
    ]
