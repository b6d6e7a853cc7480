"""Store the circumstances of an act once for all its records, and make the tables of the provable audit trail."""

from __future__ import annotations

import django.core.serializers.json
import django.db.models.deletion
import django.utils.timezone
import uuid
from collections.abc import Iterator
from typing import Any
from django.db import migrations, models


_CHUNK = 1000


def move_circumstances(apps: Any, schema_editor: Any) -> None:
    """Give each record that was written before an operation of its own, with what its context said."""
    records, operations = _tables(apps, schema_editor)
    for chunk in _chunks(records.order_by("pk")):
        made = []
        for record in chunk:
            told = dict(record.context)
            record.evidence = told.pop("evidence", None)
            made.append(
                operations.model(
                    id=record.uuid,
                    source=told.pop("source", ""),
                    correlation_id=told.pop("correlationId", ""),
                    reason=told.pop("reason", ""),
                    facts=told,
                    occurred_at=record.occurred_at,
                )
            )
            record.operation_id = record.uuid
        operations.bulk_create(made)
        records.bulk_update(chunk, ["evidence", "operation"])


def put_circumstances_back(apps: Any, schema_editor: Any) -> None:
    """Write the circumstances of each operation into its records again."""
    records, _ = _tables(apps, schema_editor)
    for chunk in _chunks(records.select_related("operation").order_by("pk")):
        for record in chunk:
            act = record.operation
            record.context = {**act.facts, "source": act.source, "correlationId": act.correlation_id}
            record.context.update({"reason": act.reason} if act.reason else {})
            record.context.update({"evidence": record.evidence} if record.evidence else {})
        records.bulk_update(chunk, ["context"])


def _tables(apps: Any, schema_editor: Any) -> list[Any]:
    names = ("AuditRecord", "AuditOperation")
    return [apps.get_model("gridkit_django", name).objects.using(schema_editor.connection.alias) for name in names]


def _chunks(records: Any) -> Iterator[list[Any]]:
    last = 0
    while chunk := list(records.filter(pk__gt=last)[:_CHUNK]):
        yield chunk
        last = chunk[-1].pk


class Migration(migrations.Migration):

    dependencies = [
        ('gridkit_django', '0007_share_views'),
    ]

    operations = [
        migrations.CreateModel(
            name='AuditCheckpoint',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('seal_number', models.BigIntegerField(verbose_name='seal')),
                ('total', models.BigIntegerField(verbose_name='records until here')),
                ('digest', models.BinaryField(verbose_name='digest of the seal')),
                ('text', models.TextField(verbose_name='signed text')),
                ('key_id', models.CharField(max_length=64, verbose_name='signing key')),
                ('signature', models.BinaryField(verbose_name='signature')),
                ('made_at', models.DateTimeField(default=django.utils.timezone.now, verbose_name='made at')),
                ('told_at', models.DateTimeField(blank=True, null=True, verbose_name='left the machine at')),
            ],
            options={
                'verbose_name': 'audit checkpoint',
                'verbose_name_plural': 'audit checkpoints',
                'ordering': ['-pk'],
            },
        ),
        migrations.CreateModel(
            name='AuditDestination',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('name', models.CharField(max_length=200, unique=True, verbose_name='name')),
                ('kind', models.CharField(help_text='webhook, syslog, file, otlp or callable', max_length=20, verbose_name='kind')),
                ('address', models.CharField(max_length=500, verbose_name='address')),
                ('format', models.CharField(default='native', max_length=20, verbose_name='format')),
                ('options', models.JSONField(blank=True, default=dict, verbose_name='options')),
                ('secret', models.JSONField(blank=True, help_text='encrypted; write-only', null=True, verbose_name='secret')),
                ('managed_by', models.CharField(blank=True, max_length=200, verbose_name='declared by')),
                ('state', models.CharField(choices=[('ready', 'ready'), ('waiting', 'waiting to try again'), ('parked', 'parked: waits for a person'), ('paused', 'paused')], default='ready', max_length=20, verbose_name='state')),
                ('cursor', models.BigIntegerField(default=0, verbose_name='last seal delivered')),
                ('offset', models.PositiveIntegerField(default=0, verbose_name='records of the next seal that were delivered')),
                ('failures', models.PositiveIntegerField(default=0, verbose_name='failures in a row')),
                ('last_error', models.TextField(blank=True, verbose_name='last error')),
                ('last_success_at', models.DateTimeField(blank=True, null=True, verbose_name='last success')),
                ('next_try_at', models.DateTimeField(blank=True, null=True, verbose_name='next try')),
                ('leased_until', models.DateTimeField(blank=True, null=True, verbose_name='leased until')),
                ('leased_by', models.CharField(blank=True, max_length=100, verbose_name='leased by')),
                ('created_at', models.DateTimeField(default=django.utils.timezone.now, verbose_name='created at')),
            ],
            options={
                'verbose_name': 'audit destination',
                'verbose_name_plural': 'audit destinations',
                'ordering': ['name'],
            },
        ),
        migrations.CreateModel(
            name='AuditHold',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('name', models.CharField(max_length=200, verbose_name='name')),
                ('reason', models.TextField(verbose_name='reason')),
                ('target_type', models.CharField(blank=True, max_length=100, verbose_name='target type')),
                ('target_id', models.CharField(blank=True, max_length=200, verbose_name='target id')),
                ('actor_id', models.CharField(blank=True, max_length=200, verbose_name='actor id')),
                ('since', models.DateTimeField(blank=True, null=True, verbose_name='records from')),
                ('until', models.DateTimeField(blank=True, null=True, verbose_name='records before')),
                ('created_at', models.DateTimeField(default=django.utils.timezone.now, verbose_name='created at')),
                ('created_by', models.CharField(blank=True, max_length=200, verbose_name='created by')),
                ('released_at', models.DateTimeField(blank=True, null=True, verbose_name='released at')),
            ],
            options={
                'verbose_name': 'legal hold',
                'verbose_name_plural': 'legal holds',
                'ordering': ['-created_at', '-pk'],
            },
        ),
        migrations.CreateModel(
            name='AuditOperation',
            fields=[
                ('id', models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ('source', models.CharField(max_length=20, verbose_name='source')),
                ('correlation_id', models.CharField(blank=True, max_length=200, verbose_name='correlation id')),
                ('impersonator_id', models.CharField(blank=True, max_length=200, verbose_name='impersonator id')),
                ('impersonator_label', models.CharField(blank=True, max_length=200, verbose_name='impersonator')),
                ('reason', models.TextField(blank=True, verbose_name='reason')),
                ('facts', models.JSONField(default=dict, encoder=django.core.serializers.json.DjangoJSONEncoder, verbose_name='facts')),
                ('occurred_at', models.DateTimeField(default=django.utils.timezone.now, verbose_name='time')),
            ],
            options={
                'verbose_name': 'audit operation',
                'verbose_name_plural': 'audit operations',
                'ordering': ['-occurred_at', '-pk'],
            },
        ),
        migrations.CreateModel(
            name='AuditPurge',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('first_id', models.BigIntegerField(verbose_name='first record')),
                ('last_id', models.BigIntegerField(verbose_name='last record')),
                ('count', models.BigIntegerField(verbose_name='records')),
                ('spans', models.JSONField(help_text='[first id, last id] of each unbroken run', verbose_name='removed records')),
                ('leaves', models.JSONField(help_text='what verification needs of seals that lost some records', verbose_name='digests')),
                ('archive', models.CharField(blank=True, max_length=300, verbose_name='archive')),
                ('archive_digest', models.CharField(blank=True, max_length=64, verbose_name='digest of the archive')),
                ('removed_at', models.DateTimeField(default=django.utils.timezone.now, verbose_name='removed at')),
            ],
            options={
                'verbose_name': 'audit purge',
                'verbose_name_plural': 'audit purges',
                'ordering': ['-pk'],
            },
        ),
        migrations.CreateModel(
            name='AuditSeal',
            fields=[
                ('number', models.BigIntegerField(help_text='1, 2, 3, … without a gap', primary_key=True, serialize=False, verbose_name='number')),
                ('spans', models.JSONField(help_text='[first id, last id] of each unbroken run of record ids', verbose_name='records')),
                ('count', models.PositiveIntegerField(verbose_name='records')),
                ('first_id', models.BigIntegerField(verbose_name='first record')),
                ('last_id', models.BigIntegerField(verbose_name='last record')),
                ('total', models.BigIntegerField(verbose_name='records until here')),
                ('root', models.BinaryField(verbose_name='root')),
                ('previous', models.BinaryField(verbose_name='digest of the seal before')),
                ('digest', models.BinaryField(verbose_name='digest of this seal')),
                ('key_id', models.CharField(max_length=64, verbose_name='signing key')),
                ('signature', models.BinaryField(verbose_name='signature')),
                ('sealed_at', models.DateTimeField(default=django.utils.timezone.now, verbose_name='sealed at')),
            ],
            options={
                'verbose_name': 'audit seal',
                'verbose_name_plural': 'audit seals',
                'ordering': ['-number'],
            },
        ),
        migrations.CreateModel(
            name='AuditSigningKey',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('key_id', models.CharField(max_length=64, unique=True, verbose_name='key id')),
                ('public_key', models.BinaryField(help_text='32 bytes, Ed25519 (RFC 8032)', verbose_name='public key')),
                ('created_at', models.DateTimeField(default=django.utils.timezone.now, verbose_name='created at')),
                ('retired_at', models.DateTimeField(blank=True, null=True, verbose_name='retired at')),
            ],
            options={
                'verbose_name': 'signing key',
                'verbose_name_plural': 'signing keys',
                'ordering': ['-created_at', '-pk'],
            },
        ),
        migrations.CreateModel(
            name='AuditSubjectKey',
            fields=[
                ('id', models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ('subject', models.CharField(help_text="keyed digest of the subject's type and id", max_length=64, unique=True, verbose_name='subject')),
                ('wrapped', models.BinaryField(help_text='NULL once it was destroyed', null=True, verbose_name='wrapped key')),
                ('master_id', models.CharField(blank=True, max_length=64, verbose_name='master key')),
                ('created_at', models.DateTimeField(default=django.utils.timezone.now, verbose_name='created at')),
                ('erased_at', models.DateTimeField(blank=True, null=True, verbose_name='erased at')),
            ],
            options={
                'verbose_name': 'subject key',
                'verbose_name_plural': 'subject keys',
                'ordering': ['-created_at'],
                'permissions': [('decrypt_audit', 'Can read encrypted values of audit records'), ('erase_subject', 'Can erase a person from the audit trail')],
            },
        ),
        migrations.AlterModelOptions(
            name='auditrecord',
            options={'base_manager_name': 'objects', 'ordering': ['-pk'], 'verbose_name': 'audit record', 'verbose_name_plural': 'audit records'},
        ),
        migrations.RemoveIndex(
            model_name='auditrecord',
            name='gridkit_audit_target',
        ),
        migrations.RemoveIndex(
            model_name='auditrecord',
            name='gridkit_audit_actor',
        ),
        migrations.AddField(
            model_name='auditrecord',
            name='evidence',
            field=models.JSONField(encoder=django.core.serializers.json.DjangoJSONEncoder, null=True, verbose_name='evidence'),
        ),
        migrations.AddField(
            model_name='auditrecord',
            name='mac',
            field=models.BinaryField(max_length=32, null=True, verbose_name='MAC'),
        ),
        migrations.AddField(
            model_name='auditrecord',
            name='related',
            field=models.JSONField(encoder=django.core.serializers.json.DjangoJSONEncoder, null=True, verbose_name='related objects'),
        ),
        migrations.AddField(
            model_name='auditrecord',
            name='schema_version',
            field=models.PositiveSmallIntegerField(default=1, verbose_name='form'),
        ),
        migrations.AddField(
            model_name='auditrecord',
            name='operation',
            field=models.ForeignKey(db_constraint=False, db_index=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='records', to='gridkit_django.auditoperation'),
        ),
        migrations.RunPython(move_circumstances, put_circumstances_back, elidable=True),
        migrations.RemoveField(
            model_name='auditrecord',
            name='context',
        ),
        migrations.AlterField(
            model_name='auditrecord',
            name='operation',
            field=models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.DO_NOTHING, related_name='records', to='gridkit_django.auditoperation'),
        ),
        migrations.AlterField(
            model_name='auditrecord',
            name='occurred_at',
            field=models.DateTimeField(default=django.utils.timezone.now, verbose_name='time'),
        ),
        migrations.AlterField(
            model_name='auditrecord',
            name='uuid',
            field=models.UUIDField(default=uuid.uuid4, editable=False),
        ),
        migrations.AddIndex(
            model_name='auditoperation',
            index=models.Index(fields=['correlation_id'], name='gridkit_audit_correlation'),
        ),
        migrations.AddIndex(
            model_name='auditrecord',
            index=models.Index(fields=['target_type', 'target_id', 'id'], name='gridkit_audit_target'),
        ),
        migrations.AddIndex(
            model_name='auditrecord',
            index=models.Index(fields=['actor_id', 'id'], name='gridkit_audit_actor'),
        ),
        migrations.AddIndex(
            model_name='auditrecord',
            index=models.Index(fields=['occurred_at'], name='gridkit_audit_time'),
        ),
        migrations.AddIndex(
            model_name='auditseal',
            index=models.Index(fields=['last_id'], name='gridkit_seal_last'),
        ),
    ]
