
import django.core.serializers.json
import django.db.models.deletion
import django.utils.timezone
import uuid
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    initial = True

    dependencies = [
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='InstalledPlugin',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('plugin_id', models.CharField(max_length=200, unique=True, verbose_name='plugin id')),
                ('source', models.CharField(choices=[('entry_point', 'installed package'), ('folder', 'site folder'), ('object', 'given in code')], max_length=20, verbose_name='source')),
                ('source_ref', models.CharField(max_length=500, verbose_name='source reference')),
                ('desired_state', models.CharField(choices=[('active', 'active'), ('inactive', 'inactive')], default='inactive', max_length=20, verbose_name='wanted')),
                ('effective_state', models.CharField(choices=[('installed', 'installed'), ('active', 'active'), ('degraded', 'degraded'), ('suspended', 'suspended'), ('quarantined', 'quarantined'), ('incompatible', 'incompatible')], default='installed', max_length=20, verbose_name='state')),
                ('state_code', models.CharField(blank=True, max_length=80, verbose_name='reason code')),
                ('state_reason', models.TextField(blank=True, verbose_name='reason')),
                ('state_evidence', models.JSONField(blank=True, default=dict, verbose_name='evidence')),
                ('revision', models.PositiveBigIntegerField(default=1, verbose_name='revision')),
                ('installed_at', models.DateTimeField(auto_now_add=True, verbose_name='installed at')),
                ('changed_at', models.DateTimeField(auto_now=True, verbose_name='changed at')),
            ],
            options={
                'verbose_name': 'plugin',
                'verbose_name_plural': 'plugins',
                'ordering': ['plugin_id'],
                'permissions': [('install_plugin', 'Can install and uninstall plugins'), ('activate_plugin', 'Can activate and deactivate plugins'), ('configure_plugin', 'Can configure plugins'), ('grant_plugin', 'Can grant and revoke permissions of plugins')],
            },
        ),
        migrations.CreateModel(
            name='RegisteredGrid',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('grid_id', models.CharField(max_length=100, unique=True, verbose_name='grid id')),
                ('label', models.CharField(max_length=200, verbose_name='label')),
                ('model_label', models.CharField(max_length=200, verbose_name='model')),
            ],
            options={
                'verbose_name': 'grid',
                'verbose_name_plural': 'grids',
                'ordering': ['grid_id'],
                'permissions': [('open_grid', 'Can open a grid'), ('edit_grid', 'Can edit rows in a grid'), ('export_grid', 'Can export a grid')],
            },
        ),
        migrations.CreateModel(
            name='RuntimeGeneration',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('value', models.PositiveBigIntegerField(default=0, verbose_name='generation')),
            ],
            options={
                'verbose_name': 'runtime generation',
                'verbose_name_plural': 'runtime generations',
            },
        ),
        migrations.CreateModel(
            name='AuditRecord',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('uuid', models.UUIDField(default=uuid.uuid4, editable=False, unique=True)),
                ('action', models.CharField(max_length=80, verbose_name='action')),
                ('actor_kind', models.CharField(max_length=20, verbose_name='actor kind')),
                ('actor_id', models.CharField(blank=True, max_length=200, verbose_name='actor id')),
                ('actor_label', models.CharField(blank=True, max_length=200, verbose_name='actor')),
                ('target_type', models.CharField(max_length=100, verbose_name='target type')),
                ('target_id', models.CharField(max_length=200, verbose_name='target id')),
                ('target_label', models.CharField(blank=True, max_length=300, verbose_name='target')),
                ('grid', models.CharField(blank=True, max_length=100, verbose_name='grid')),
                ('changes', models.JSONField(default=dict, encoder=django.core.serializers.json.DjangoJSONEncoder, verbose_name='changes')),
                ('context', models.JSONField(default=dict, encoder=django.core.serializers.json.DjangoJSONEncoder, verbose_name='context')),
                ('occurred_at', models.DateTimeField(db_index=True, default=django.utils.timezone.now, verbose_name='time')),
            ],
            options={
                'verbose_name': 'audit record',
                'verbose_name_plural': 'audit records',
                'ordering': ['-occurred_at', '-pk'],
                'indexes': [models.Index(fields=['target_type', 'target_id', '-occurred_at'], name='gridkit_audit_target'), models.Index(fields=['actor_id', '-occurred_at'], name='gridkit_audit_actor')],
            },
        ),
        migrations.CreateModel(
            name='PluginOperation',
            fields=[
                ('id', models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ('kind', models.CharField(choices=[('install', 'install'), ('activate', 'activate'), ('deactivate', 'deactivate'), ('configure', 'configure'), ('reload', 'reload'), ('uninstall', 'uninstall')], max_length=20, verbose_name='kind')),
                ('plugin_id', models.CharField(max_length=200, verbose_name='plugin id')),
                ('arguments', models.JSONField(default=dict, verbose_name='arguments')),
                ('state', models.CharField(choices=[('queued', 'queued'), ('running', 'running'), ('finished', 'finished'), ('failed', 'failed')], default='queued', max_length=20, verbose_name='state')),
                ('log', models.JSONField(default=list, verbose_name='log')),
                ('error_code', models.CharField(blank=True, max_length=80, verbose_name='error code')),
                ('error_detail', models.TextField(blank=True, verbose_name='error')),
                ('created_at', models.DateTimeField(auto_now_add=True, verbose_name='created at')),
                ('started_at', models.DateTimeField(null=True, verbose_name='started at')),
                ('finished_at', models.DateTimeField(null=True, verbose_name='finished at')),
                ('requested_by', models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL, verbose_name='requested by')),
            ],
            options={
                'verbose_name': 'plugin operation',
                'verbose_name_plural': 'plugin operations',
                'ordering': ['-created_at'],
            },
        ),
        migrations.CreateModel(
            name='PluginVersion',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('version', models.CharField(max_length=64, verbose_name='version')),
                ('manifest', models.JSONField(verbose_name='manifest')),
                ('config_schema', models.JSONField(default=dict, verbose_name='configuration schema')),
                ('digest', models.CharField(max_length=80, verbose_name='content digest')),
                ('installed_at', models.DateTimeField(auto_now_add=True, verbose_name='installed at')),
                ('plugin', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='versions', to='gridkit_django.installedplugin')),
            ],
            options={
                'verbose_name': 'plugin version',
                'verbose_name_plural': 'plugin versions',
                'ordering': ['plugin', '-installed_at', '-pk'],
            },
        ),
        migrations.AddField(
            model_name='installedplugin',
            name='current_version',
            field=models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='gridkit_django.pluginversion', verbose_name='version'),
        ),
        migrations.CreateModel(
            name='RuntimeProcess',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('host', models.CharField(max_length=255, verbose_name='host')),
                ('pid', models.PositiveIntegerField(verbose_name='process id')),
                ('kind', models.CharField(max_length=20, verbose_name='kind')),
                ('generation', models.PositiveBigIntegerField(default=0, verbose_name='generation')),
                ('plugins', models.JSONField(default=dict, verbose_name='plugins')),
                ('started_at', models.DateTimeField(verbose_name='started at')),
                ('seen_at', models.DateTimeField(verbose_name='last seen at')),
            ],
            options={
                'verbose_name': 'process',
                'verbose_name_plural': 'processes',
                'ordering': ['host', 'pid'],
                'constraints': [models.UniqueConstraint(fields=('host', 'pid'), name='gridkit_process_unique')],
            },
        ),
        migrations.CreateModel(
            name='ExportJob',
            fields=[
                ('id', models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ('grid', models.CharField(max_length=100, verbose_name='grid')),
                ('query', models.JSONField(default=dict, verbose_name='query')),
                ('format', models.CharField(max_length=40, verbose_name='format')),
                ('options', models.JSONField(default=dict, verbose_name='options')),
                ('state', models.CharField(choices=[('queued', 'queued'), ('running', 'running'), ('finished', 'finished'), ('failed', 'failed'), ('cancelled', 'cancelled')], default='queued', max_length=20, verbose_name='state')),
                ('rows_done', models.PositiveBigIntegerField(default=0, verbose_name='rows written')),
                ('rows_total', models.PositiveBigIntegerField(null=True, verbose_name='rows in all')),
                ('cancel_requested', models.BooleanField(default=False, verbose_name='cancel requested')),
                ('file_name', models.CharField(blank=True, max_length=300, verbose_name='name in the storage')),
                ('download_name', models.CharField(blank=True, max_length=200, verbose_name='name for the download')),
                ('content_type', models.CharField(blank=True, max_length=120, verbose_name='content type')),
                ('size', models.PositiveBigIntegerField(default=0, verbose_name='size in bytes')),
                ('error_code', models.CharField(blank=True, max_length=80, verbose_name='error code')),
                ('error_detail', models.TextField(blank=True, verbose_name='error')),
                ('correlation_id', models.CharField(blank=True, max_length=64, verbose_name='correlation id')),
                ('created_at', models.DateTimeField(auto_now_add=True, verbose_name='created at')),
                ('started_at', models.DateTimeField(null=True, verbose_name='started at')),
                ('seen_at', models.DateTimeField(null=True, verbose_name='last sign of life')),
                ('finished_at', models.DateTimeField(null=True, verbose_name='finished at')),
                ('expires_at', models.DateTimeField(null=True, verbose_name='expires at')),
                ('owner', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='+', to=settings.AUTH_USER_MODEL, verbose_name='owner')),
            ],
            options={
                'verbose_name': 'export job',
                'verbose_name_plural': 'export jobs',
                'ordering': ['-created_at'],
                'indexes': [models.Index(fields=['owner', '-created_at'], name='gridkit_export_owner')],
            },
        ),
        migrations.CreateModel(
            name='HealthCheckResult',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('status', models.CharField(choices=[('healthy', 'healthy'), ('degraded', 'degraded'), ('unhealthy', 'unhealthy')], max_length=20, verbose_name='status')),
                ('message', models.TextField(blank=True, verbose_name='message')),
                ('details', models.JSONField(default=dict, verbose_name='details')),
                ('duration_ms', models.FloatField(verbose_name='duration in ms')),
                ('checked_at', models.DateTimeField(auto_now_add=True, verbose_name='checked at')),
                ('plugin', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='health_results', to='gridkit_django.installedplugin')),
            ],
            options={
                'verbose_name': 'health check',
                'verbose_name_plural': 'health checks',
                'ordering': ['-checked_at', '-pk'],
                'indexes': [models.Index(fields=['plugin', '-checked_at'], name='gridkit_health_latest')],
            },
        ),
        migrations.CreateModel(
            name='PluginConfig',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('grid', models.CharField(blank=True, help_text='empty: for all grids', max_length=100, verbose_name='grid')),
                ('revision', models.PositiveIntegerField(verbose_name='revision')),
                ('data', models.JSONField(default=dict, verbose_name='values')),
                ('created_at', models.DateTimeField(auto_now_add=True, verbose_name='created at')),
                ('author', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL, verbose_name='author')),
                ('plugin', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='configs', to='gridkit_django.installedplugin')),
            ],
            options={
                'verbose_name': 'plugin configuration',
                'verbose_name_plural': 'plugin configurations',
                'ordering': ['plugin', 'grid', '-revision'],
                'constraints': [models.UniqueConstraint(fields=('plugin', 'grid', 'revision'), name='gridkit_plugin_config_unique')],
            },
        ),
        migrations.CreateModel(
            name='PluginPermissionGrant',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('permission', models.CharField(max_length=200, verbose_name='permission')),
                ('decision', models.CharField(choices=[('requested', 'requested'), ('granted', 'granted'), ('revoked', 'revoked')], max_length=20, verbose_name='decision')),
                ('reason', models.TextField(blank=True, verbose_name='reason')),
                ('decided_at', models.DateTimeField(auto_now=True, verbose_name='decided at')),
                ('decided_by', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL, verbose_name='decided by')),
                ('plugin', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='grants', to='gridkit_django.installedplugin')),
            ],
            options={
                'verbose_name': 'plugin permission',
                'verbose_name_plural': 'plugin permissions',
                'ordering': ['plugin', 'permission'],
                'constraints': [models.UniqueConstraint(fields=('plugin', 'permission'), name='gridkit_plugin_grant_unique')],
            },
        ),
        migrations.CreateModel(
            name='PluginStorageItem',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('key', models.CharField(max_length=200, verbose_name='key')),
                ('value', models.JSONField(encoder=django.core.serializers.json.DjangoJSONEncoder, verbose_name='value')),
                ('size', models.PositiveIntegerField(verbose_name='size in bytes')),
                ('changed_at', models.DateTimeField(auto_now=True, verbose_name='changed at')),
                ('plugin', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='storage_items', to='gridkit_django.installedplugin')),
            ],
            options={
                'verbose_name': 'plugin storage item',
                'verbose_name_plural': 'plugin storage items',
                'ordering': ['plugin', 'key'],
                'constraints': [models.UniqueConstraint(fields=('plugin', 'key'), name='gridkit_plugin_storage_unique')],
            },
        ),
        migrations.AddConstraint(
            model_name='pluginversion',
            constraint=models.UniqueConstraint(fields=('plugin', 'version', 'digest'), name='gridkit_plugin_version_unique'),
        ),
    ]
