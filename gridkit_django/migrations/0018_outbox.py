"""Messages on their way out of the house, their channels, dead letters and figures by the hour."""

from __future__ import annotations

from typing import ClassVar

import django.db.models.deletion
import django.utils.timezone
from django.db import migrations, models


class Migration(migrations.Migration):
    """Makes the tables, and two rights on plugins."""

    dependencies: ClassVar = [('gridkit_django', '0017_resume_operations')]

    operations: ClassVar = [
        migrations.AlterModelOptions(
            name='installedplugin',
            options={'ordering': ['plugin_id'], 'permissions': [('install_plugin', 'Can install and uninstall plugins'), ('activate_plugin', 'Can activate and deactivate plugins'), ('configure_plugin', 'Can configure plugins'), ('grant_plugin', 'Can grant and revoke permissions of plugins'), ('view_outbox', 'Can see what messages of plugins in the outbox hold'), ('manage_outbox', 'Can pause channels of the outbox, and replay or discard dead letters')], 'verbose_name': 'plugin', 'verbose_name_plural': 'plugins'},
        ),
        migrations.CreateModel(
            name='OutboxChannel',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('name', models.CharField(max_length=64, verbose_name='channel')),
                ('is_local', models.BooleanField(default=False, verbose_name='stays in the house')),
                ('paused', models.BooleanField(default=False, help_text='an administrator wants nothing sent for now', verbose_name='paused')),
                ('state', models.CharField(choices=[('ready', 'ready'), ('waiting', 'waiting to try again'), ('held', 'held: waits for a person')], default='ready', max_length=20, verbose_name='state')),
                ('state_code', models.CharField(blank=True, max_length=80, verbose_name='reason code')),
                ('state_reason', models.TextField(blank=True, verbose_name='reason')),
                ('state_revision', models.PositiveBigIntegerField(default=0, help_text='held with; another one is tried at once', verbose_name='revision of the plugin')),
                ('batch_max', models.PositiveIntegerField(default=500, verbose_name='messages in a batch at most')),
                ('batch_now', models.PositiveIntegerField(default=500, help_text='fewer after a batch was too large', verbose_name='messages in a batch now')),
                ('bytes_max', models.PositiveIntegerField(default=1000000, verbose_name='bytes in a batch at most')),
                ('max_age_seconds', models.PositiveIntegerField(default=604800, verbose_name='seconds that a message is kept')),
                ('max_messages', models.PositiveIntegerField(default=100000, verbose_name='messages that wait at most')),
                ('failures', models.PositiveIntegerField(default=0, verbose_name='failures in a row')),
                ('deaths', models.PositiveIntegerField(default=0, verbose_name='workers that died in a row')),
                ('dead_in_row', models.PositiveIntegerField(default=0, verbose_name='dead letters in a row')),
                ('next_try_at', models.DateTimeField(blank=True, null=True, verbose_name='next try')),
                ('last_success_at', models.DateTimeField(blank=True, null=True, verbose_name='last success')),
                ('leased_until', models.DateTimeField(blank=True, null=True, verbose_name='leased until')),
                ('leased_by', models.CharField(blank=True, max_length=100, verbose_name='leased by')),
                ('fence', models.PositiveBigIntegerField(default=0, verbose_name='lease number')),
                ('delivered', models.PositiveBigIntegerField(default=0, verbose_name='delivered')),
                ('again', models.PositiveBigIntegerField(default=0, verbose_name='tried again')),
                ('dead', models.PositiveBigIntegerField(default=0, verbose_name='became dead letters')),
                ('expired', models.PositiveBigIntegerField(default=0, verbose_name='expired')),
                ('dropped', models.PositiveBigIntegerField(default=0, verbose_name='dropped because the channel was full')),
                ('created_at', models.DateTimeField(default=django.utils.timezone.now, verbose_name='created at')),
                ('plugin', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='outbox_channels', to='gridkit_django.installedplugin', verbose_name='plugin')),
            ],
            options={
                'verbose_name': 'outbox channel',
                'verbose_name_plural': 'outbox channels',
                'ordering': ['plugin', 'name'],
                'constraints': [models.UniqueConstraint(fields=('plugin', 'name'), name='gridkit_outbox_channel_unique')],
            },
        ),
        migrations.CreateModel(
            name='OutboxDeadLetter',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('channel', models.CharField(max_length=64, verbose_name='channel')),
                ('key', models.CharField(db_index=True, max_length=100, verbose_name='deduplication key')),
                ('payload', models.TextField(help_text='JSON text', verbose_name='payload')),
                ('size', models.PositiveIntegerField(verbose_name='size in bytes')),
                ('put_at', models.DateTimeField(verbose_name='put at')),
                ('attempts', models.PositiveSmallIntegerField(default=0, verbose_name='failed tries')),
                ('died_at', models.DateTimeField(default=django.utils.timezone.now, verbose_name='refused at')),
                ('reason', models.TextField(verbose_name='reason')),
                ('status', models.PositiveSmallIntegerField(blank=True, null=True, verbose_name='status of the last response')),
                ('response', models.TextField(blank=True, verbose_name='last response')),
                ('plugin', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='+', to='gridkit_django.installedplugin', verbose_name='plugin')),
            ],
            options={
                'verbose_name': 'dead letter',
                'verbose_name_plural': 'dead letters',
                'ordering': ['-died_at', '-pk'],
                'indexes': [models.Index(fields=['plugin', 'channel', '-died_at'], name='gridkit_outbox_dead')],
            },
        ),
        migrations.CreateModel(
            name='OutboxHour',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('channel', models.CharField(max_length=64, verbose_name='channel')),
                ('hour', models.DateTimeField(verbose_name='hour')),
                ('delivered', models.PositiveBigIntegerField(default=0, verbose_name='delivered')),
                ('again', models.PositiveBigIntegerField(default=0, verbose_name='tried again')),
                ('dead', models.PositiveBigIntegerField(default=0, verbose_name='became dead letters')),
                ('expired', models.PositiveBigIntegerField(default=0, verbose_name='expired')),
                ('dropped', models.PositiveBigIntegerField(default=0, verbose_name='dropped because the channel was full')),
                ('plugin', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='+', to='gridkit_django.installedplugin')),
            ],
            options={
                'verbose_name': 'hour of an outbox channel',
                'verbose_name_plural': 'hours of outbox channels',
                'ordering': ['plugin', 'channel', 'hour'],
                'constraints': [models.UniqueConstraint(fields=('plugin', 'channel', 'hour'), name='gridkit_outbox_hour_unique')],
            },
        ),
        migrations.CreateModel(
            name='OutboxMessage',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('channel', models.CharField(max_length=64, verbose_name='channel')),
                ('key', models.CharField(max_length=100, verbose_name='deduplication key')),
                ('payload', models.TextField(help_text='JSON text', verbose_name='payload')),
                ('size', models.PositiveIntegerField(verbose_name='size in bytes')),
                ('put_at', models.DateTimeField(default=django.utils.timezone.now, verbose_name='put at')),
                ('due_at', models.DateTimeField(blank=True, null=True, verbose_name='not before')),
                ('attempts', models.PositiveSmallIntegerField(default=0, verbose_name='failed tries')),
                ('plugin', models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='+', to='gridkit_django.installedplugin')),
            ],
            options={
                'verbose_name': 'outbox message',
                'verbose_name_plural': 'outbox messages',
                'ordering': ['pk'],
                'indexes': [models.Index(fields=['plugin', 'channel', 'id'], name='gridkit_outbox_order')],
            },
        ),
    ]
