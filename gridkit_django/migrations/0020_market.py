"""The marketplace that this site serves: publishers, listings, releases, the rows of the search, reports of sites.

The search's rows have more than Django's models can say: on PostgreSQL a text vector that the database keeps in step,
with GIN indexes; on SQLite an FTS5 table that triggers keep in step. A later migration that makes SQLite build the table
of these rows anew must make the triggers anew (``make_text_search``).
"""

from __future__ import annotations

from typing import Any, ClassVar

import django.db.models.deletion
import django.utils.timezone
from django.conf import settings
from django.db import migrations, models


TABLE = "gridkit_django_marketsearchrow"
FTS = "gridkit_market_fts"
COLUMNS = ("words", "tag_words", "summary")

POSTGRES = (
    f"""ALTER TABLE {TABLE} ADD COLUMN vector tsvector GENERATED ALWAYS AS (
        setweight(to_tsvector('simple'::regconfig, words), 'A')
        || setweight(to_tsvector('english'::regconfig, words), 'A')
        || setweight(to_tsvector('english'::regconfig, tag_words), 'B')
        || setweight(to_tsvector('english'::regconfig, summary), 'C')
    ) STORED""",
    f"CREATE INDEX gridkit_market_vector ON {TABLE} USING gin (vector)",
    f"CREATE INDEX gridkit_market_tags ON {TABLE} USING gin (tags jsonb_path_ops)",
)
_NAMES = ", ".join(COLUMNS)
_OLD, _NEW = (", ".join(f"{row}.{name}" for name in COLUMNS) for row in ("old", "new"))
_OUT = f"INSERT INTO {FTS} ({FTS}, rowid, {_NAMES}) VALUES ('delete', old.listing_id, {_OLD});"
_IN = f"INSERT INTO {FTS} (rowid, {_NAMES}) VALUES (new.listing_id, {_NEW});"
SQLITE = (
    f"""CREATE VIRTUAL TABLE {FTS} USING fts5({_NAMES}, content='{TABLE}', content_rowid='listing_id',
        tokenize='porter unicode61', prefix='2 3')""",
    f"CREATE TRIGGER {FTS}_insert AFTER INSERT ON {TABLE} BEGIN {_IN} END",
    f"CREATE TRIGGER {FTS}_delete AFTER DELETE ON {TABLE} BEGIN {_OUT} END",
    f"CREATE TRIGGER {FTS}_update AFTER UPDATE OF {_NAMES} ON {TABLE} BEGIN {_OUT} {_IN} END",
)


def make_text_search(apps: Any, schema_editor: Any) -> None:
    """Make what finds words, in the database's own way."""
    for statement in {"postgresql": POSTGRES, "sqlite": SQLITE}.get(schema_editor.connection.vendor, ()):
        schema_editor.execute(statement, params=None)


def drop_text_search(apps: Any, schema_editor: Any) -> None:
    """Drop it; the rest goes with the table."""
    if schema_editor.connection.vendor == "sqlite":
        schema_editor.execute(f"DROP TABLE {FTS}", params=None)


class Migration(migrations.Migration):
    """Makes the tables."""

    dependencies: ClassVar = [
        ('gridkit_django', '0019_keep_marketplace_plugins'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations: ClassVar = [
        migrations.CreateModel(
            name='Listing',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('plugin_id', models.CharField(max_length=200, unique=True, verbose_name='plugin id')),
                ('distribution', models.CharField(max_length=200, unique=True, verbose_name='distribution')),
                ('import_package', models.CharField(max_length=200, unique=True, verbose_name='import package')),
                ('folded', models.CharField(db_index=True, editable=False, max_length=200, verbose_name='name without look-alikes')),
                ('name', models.CharField(max_length=200, verbose_name='name')),
                ('summary', models.TextField(max_length=2000, verbose_name='summary')),
                ('category', models.CharField(max_length=20, verbose_name='category')),
                ('tags', models.JSONField(default=list, verbose_name='tags')),
                ('pricing', models.CharField(max_length=20, verbose_name='pricing')),
                ('license', models.CharField(max_length=200, verbose_name='license')),
                ('homepage', models.URLField(blank=True, max_length=500, verbose_name='homepage')),
                ('repository', models.URLField(blank=True, max_length=500, verbose_name='repository')),
                ('demo', models.URLField(blank=True, max_length=500, verbose_name='demo')),
                ('icon', models.CharField(blank=True, editable=False, max_length=300, verbose_name='icon')),
                ('featured', models.PositiveIntegerField(blank=True, null=True, verbose_name='place among the featured')),
                ('state', models.CharField(choices=[('pending', 'nothing published yet'), ('active', 'active'), ('deprecated', 'deprecated'), ('archived', 'archived'), ('removed', 'removed')], default='pending', max_length=12, verbose_name='state')),
                ('state_reason', models.TextField(blank=True, verbose_name='reason')),
                ('serial', models.PositiveBigIntegerField(db_index=True, default=0, verbose_name='serial of its last change')),
                ('downloads', models.PositiveBigIntegerField(default=0, verbose_name='downloads')),
                ('installs', models.PositiveBigIntegerField(default=0, verbose_name='installs')),
                ('updates', models.PositiveBigIntegerField(default=0, verbose_name='updates')),
                ('recent_installs', models.PositiveBigIntegerField(default=0, verbose_name='installs of the last 30 days')),
                ('rating', models.FloatField(null=True, verbose_name='rating, smoothed')),
                ('rating_count', models.PositiveIntegerField(default=0, verbose_name='ratings')),
                ('told_at', models.DateTimeField(editable=False, null=True, verbose_name='figures last told at')),
                ('created_at', models.DateTimeField(default=django.utils.timezone.now, editable=False, verbose_name='created at')),
                ('updated_at', models.DateTimeField(null=True, verbose_name='last release at')),
            ],
            options={
                'verbose_name': 'listing',
                'verbose_name_plural': 'listings',
                'ordering': ['plugin_id'],
            },
        ),
        migrations.CreateModel(
            name='MarketSerial',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('value', models.PositiveBigIntegerField(default=0, verbose_name='serial')),
            ],
            options={
                'verbose_name': 'serial of the marketplace',
                'verbose_name_plural': 'serials of the marketplace',
            },
        ),
        migrations.CreateModel(
            name='ListingReport',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('reason', models.CharField(choices=[('malware', 'does harm'), ('squatting', "takes somebody's name"), ('broken', 'does not work'), ('content', 'unfit content'), ('other', 'something else')], max_length=12, verbose_name='reason')),
                ('text', models.TextField(max_length=5000, verbose_name='text')),
                ('contact', models.EmailField(blank=True, max_length=254, verbose_name='contact')),
                ('version', models.CharField(blank=True, max_length=64, verbose_name='version')),
                ('closed', models.BooleanField(default=False, verbose_name='dealt with')),
                ('answer', models.TextField(blank=True, verbose_name='what was done')),
                ('created_at', models.DateTimeField(default=django.utils.timezone.now, editable=False, verbose_name='reported at')),
                ('listing', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='reports', to='gridkit_django.listing', verbose_name='listing')),
            ],
            options={
                'verbose_name': 'report about a plugin',
                'verbose_name_plural': 'reports about plugins',
                'ordering': ['closed', '-created_at'],
            },
        ),
        migrations.CreateModel(
            name='MarketSpelling',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('variant', models.CharField(max_length=60, verbose_name='spelling')),
                ('word', models.CharField(max_length=60, verbose_name='word')),
            ],
            options={
                'verbose_name': 'spelling',
                'verbose_name_plural': 'spellings',
                'constraints': [models.UniqueConstraint(fields=('variant', 'word'), name='gridkit_market_spelling_once')],
            },
        ),
        migrations.CreateModel(
            name='Publisher',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('name', models.CharField(help_text='The plugins are called @name/…', max_length=60, unique=True, verbose_name='name')),
                ('folded', models.CharField(editable=False, max_length=60, unique=True, verbose_name='name without look-alikes')),
                ('display_name', models.CharField(max_length=100, verbose_name='shown as')),
                ('email', models.EmailField(blank=True, max_length=254, verbose_name='contact')),
                ('suspended', models.BooleanField(default=False, help_text='May not publish until this is taken back.', verbose_name='suspended')),
                ('identity_state', models.CharField(choices=[('unproved', 'not proved'), ('waiting', 'waits for its proof'), ('proved', 'proved'), ('lost', 'proof is gone')], default='unproved', max_length=10, verbose_name='identity')),
                ('identity_way', models.CharField(blank=True, choices=[('dns', 'TXT record of a domain'), ('web', 'file on a website'), ('admin', 'an administrator looked')], max_length=10, verbose_name='proved by')),
                ('identity_domain', models.CharField(blank=True, max_length=253, verbose_name='domain')),
                ('identity_token', models.CharField(blank=True, editable=False, max_length=64, verbose_name='text that proves it')),
                ('identity_note', models.TextField(blank=True, verbose_name='what the last look found')),
                ('identity_checked_at', models.DateTimeField(blank=True, null=True, verbose_name='looked at')),
                ('identity_proved_at', models.DateTimeField(blank=True, null=True, verbose_name='proved at')),
                ('created_at', models.DateTimeField(default=django.utils.timezone.now, editable=False, verbose_name='created at')),
                ('members', models.ManyToManyField(blank=True, help_text='May see its figures and make its tokens.', related_name='+', to=settings.AUTH_USER_MODEL, verbose_name='members')),
            ],
            options={
                'verbose_name': 'publisher',
                'verbose_name_plural': 'publishers',
                'ordering': ['name'],
            },
        ),
        migrations.AddField(
            model_name='listing',
            name='publisher',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='listings', to='gridkit_django.publisher', verbose_name='publisher'),
        ),
        migrations.CreateModel(
            name='PublisherKey',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('public_key', models.CharField(max_length=64, unique=True, verbose_name='public key')),
                ('state', models.CharField(choices=[('new', 'new: its releases wait for review'), ('trusted', 'trusted'), ('revoked', 'revoked')], default='new', max_length=10, verbose_name='state')),
                ('first_seen_at', models.DateTimeField(default=django.utils.timezone.now, editable=False, verbose_name='first seen at')),
                ('revoked_at', models.DateTimeField(blank=True, null=True, verbose_name='revoked at')),
                ('publisher', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='keys', to='gridkit_django.publisher', verbose_name='publisher')),
            ],
            options={
                'verbose_name': 'publisher key',
                'verbose_name_plural': 'publisher keys',
                'ordering': ['-first_seen_at', '-pk'],
            },
        ),
        migrations.CreateModel(
            name='PublisherToken',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('name', models.CharField(help_text='Where it is used, so that you know which to revoke.', max_length=100, verbose_name='name')),
                ('start', models.CharField(editable=False, max_length=16, verbose_name='begins with')),
                ('digest', models.CharField(editable=False, max_length=64, unique=True, verbose_name='digest')),
                ('scopes', models.JSONField(default=list, verbose_name='may')),
                ('plugins', models.JSONField(blank=True, default=list, verbose_name='only for these plugins')),
                ('created_at', models.DateTimeField(default=django.utils.timezone.now, editable=False, verbose_name='created at')),
                ('expires_at', models.DateTimeField(verbose_name='expires at')),
                ('last_used_at', models.DateTimeField(editable=False, null=True, verbose_name='last used at')),
                ('revoked_at', models.DateTimeField(blank=True, editable=False, null=True, verbose_name='revoked at')),
                ('created_by', models.ForeignKey(editable=False, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL, verbose_name='made by')),
                ('publisher', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='tokens', to='gridkit_django.publisher', verbose_name='publisher')),
            ],
            options={
                'verbose_name': 'publisher token',
                'verbose_name_plural': 'publisher tokens',
                'ordering': ['-created_at', '-pk'],
            },
        ),
        migrations.CreateModel(
            name='Release',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('version', models.CharField(max_length=64, verbose_name='version')),
                ('state', models.CharField(choices=[('draft', 'draft'), ('checking', 'being checked'), ('quarantined', 'quarantined'), ('published', 'published'), ('yanked', 'yanked'), ('removed', 'removed')], default='draft', max_length=12, verbose_name='state')),
                ('digest', models.CharField(max_length=80, verbose_name='digest')),
                ('size', models.PositiveBigIntegerField(verbose_name='size in bytes')),
                ('manifest', models.JSONField(verbose_name='manifest')),
                ('config_schema', models.JSONField(default=dict, verbose_name='schema of the configuration')),
                ('core_metadata', models.TextField(verbose_name='core metadata')),
                ('requires', models.JSONField(default=list, verbose_name='needs packages')),
                ('python_version', models.CharField(blank=True, max_length=100, verbose_name='needs Python')),
                ('file_digests', models.JSONField(default=dict, verbose_name='digests of its files')),
                ('imports', models.JSONField(default=list, verbose_name='modules that it imports')),
                ('signature', models.CharField(max_length=200, verbose_name='signature')),
                ('public_key', models.CharField(max_length=64, verbose_name='public key')),
                ('notes', models.TextField(blank=True, verbose_name='notes')),
                ('changelog', models.TextField(blank=True, verbose_name='changelog')),
                ('changelog_html', models.TextField(blank=True, verbose_name='changelog as HTML')),
                ('documentation_html', models.TextField(blank=True, verbose_name='documentation as HTML')),
                ('held_for', models.JSONField(default=list, verbose_name='held for')),
                ('reviewed', models.BooleanField(default=False, verbose_name='reviewed')),
                ('reviewed_at', models.DateTimeField(null=True, verbose_name='reviewed at')),
                ('review_note', models.TextField(blank=True, verbose_name='note of the review')),
                ('yanked_reason', models.TextField(blank=True, verbose_name='why it was yanked')),
                ('created_at', models.DateTimeField(default=django.utils.timezone.now, verbose_name='uploaded at')),
                ('checking_at', models.DateTimeField(null=True, verbose_name='checks began at')),
                ('released_at', models.DateTimeField(null=True, verbose_name='published at')),
                ('changed_at', models.DateTimeField(default=django.utils.timezone.now, verbose_name='state changed at')),
                ('key', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='gridkit_django.publisherkey', verbose_name='key')),
                ('listing', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='releases', to='gridkit_django.listing', verbose_name='listing')),
                ('reviewed_by', models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL, verbose_name='reviewed by')),
            ],
            options={
                'verbose_name': 'release',
                'verbose_name_plural': 'releases',
                'ordering': ['-created_at', '-pk'],
                'permissions': [('review_release', 'Can review, publish and refuse releases'), ('takedown_release', 'Can quarantine, yank and remove releases of others')],
            },
        ),
        migrations.AddField(
            model_name='listing',
            name='latest',
            field=models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to='gridkit_django.release', verbose_name='latest release'),
        ),
        migrations.CreateModel(
            name='ReleaseCheck',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('name', models.CharField(max_length=100, verbose_name='check')),
                ('result', models.CharField(choices=[('pass', 'passed'), ('fail', 'failed'), ('error', 'could not be made')], max_length=5, verbose_name='result')),
                ('detail', models.TextField(blank=True, verbose_name='detail')),
                ('made_at', models.DateTimeField(default=django.utils.timezone.now, verbose_name='made at')),
                ('duration_ms', models.FloatField(default=0, verbose_name='took, in milliseconds')),
                ('release', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='checks', to='gridkit_django.release', verbose_name='release')),
            ],
            options={
                'verbose_name': 'check of a release',
                'verbose_name_plural': 'checks of releases',
                'ordering': ['name'],
            },
        ),
        migrations.CreateModel(
            name='ReleaseFile',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('filename', models.CharField(max_length=255, verbose_name='file name')),
                ('sha256', models.CharField(max_length=64, unique=True, verbose_name='SHA-256')),
                ('size', models.PositiveBigIntegerField(verbose_name='size in bytes')),
                ('stored_as', models.CharField(max_length=500, verbose_name='name in the storage')),
                ('release', models.OneToOneField(on_delete=django.db.models.deletion.PROTECT, related_name='file', to='gridkit_django.release', verbose_name='release')),
            ],
            options={
                'verbose_name': 'release file',
                'verbose_name_plural': 'release files',
                'ordering': ['-pk'],
            },
        ),
        migrations.CreateModel(
            name='MarketSearchRow',
            fields=[
                ('listing', models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, primary_key=True, related_name='search_row', serialize=False, to='gridkit_django.listing', verbose_name='listing')),
                ('plugin_id', models.CharField(max_length=200, verbose_name='plugin id')),
                ('slug', models.CharField(db_index=True, max_length=200, verbose_name='second half of the id')),
                ('folded_name', models.CharField(db_index=True, max_length=200, verbose_name='name in small letters')),
                ('words', models.TextField(verbose_name='words of name and id')),
                ('tag_words', models.TextField(verbose_name='words of tags, category and publisher')),
                ('summary', models.TextField(verbose_name='summary')),
                ('category', models.CharField(max_length=20, verbose_name='category')),
                ('tags', models.JSONField(default=list, verbose_name='tags')),
                ('verified', models.BooleanField(default=False, verbose_name='reviewed')),
                ('free', models.BooleanField(default=True, verbose_name='free')),
                ('deprecated', models.BooleanField(default=False, verbose_name='deprecated')),
                ('featured', models.PositiveIntegerField(null=True, verbose_name='place among the featured')),
                ('rating', models.FloatField(default=0, verbose_name='rating, smoothed')),
                ('downloads', models.PositiveBigIntegerField(default=0, verbose_name='downloads')),
                ('popularity', models.FloatField(default=0, verbose_name='popularity')),
                ('weight', models.FloatField(default=0.4, verbose_name='what a match is multiplied with')),
                ('updated_at', models.DateTimeField(verbose_name='last release at')),
            ],
            options={
                'verbose_name': 'row of the search',
                'verbose_name_plural': 'rows of the search',
                'indexes': [models.Index(fields=['-weight', 'listing'], name='gridkit_market_by_weight'), models.Index(fields=['-popularity', 'listing'], name='gridkit_market_by_popularity'), models.Index(fields=['-downloads', 'listing'], name='gridkit_market_by_downloads'), models.Index(fields=['-rating', 'listing'], name='gridkit_market_by_rating'), models.Index(fields=['-updated_at', 'listing'], name='gridkit_market_by_update'), models.Index(fields=['folded_name', 'listing'], name='gridkit_market_by_name'), models.Index(fields=['category', '-weight'], name='gridkit_market_by_category'), models.Index(fields=['plugin_id'], name='gridkit_market_by_id')],
            },
        ),
        migrations.CreateModel(
            name='ListingPicture',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('position', models.PositiveSmallIntegerField(verbose_name='position')),
                ('sha256', models.CharField(max_length=64, verbose_name='SHA-256')),
                ('stored_as', models.CharField(max_length=500, verbose_name='name in the storage')),
                ('width', models.PositiveIntegerField(verbose_name='width')),
                ('height', models.PositiveIntegerField(verbose_name='height')),
                ('listing', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='pictures', to='gridkit_django.listing', verbose_name='listing')),
            ],
            options={
                'verbose_name': 'picture of a listing',
                'verbose_name_plural': 'pictures of listings',
                'ordering': ['listing', 'position'],
                'constraints': [models.UniqueConstraint(fields=('listing', 'position'), name='gridkit_market_picture_place')],
            },
        ),
        migrations.CreateModel(
            name='MarketDay',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('day', models.DateField(verbose_name='day')),
                ('kind', models.CharField(choices=[('download', 'download'), ('install', 'install'), ('update', 'update'), ('uninstall', 'uninstall')], max_length=10, verbose_name='kind')),
                ('version', models.CharField(max_length=64, verbose_name='version')),
                ('core_version', models.CharField(blank=True, max_length=64, verbose_name='version of GridKit')),
                ('count', models.PositiveBigIntegerField(default=0, verbose_name='sites')),
                ('listing', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='days', to='gridkit_django.listing', verbose_name='listing')),
            ],
            options={
                'verbose_name': 'day of a listing',
                'verbose_name_plural': 'days of listings',
                'constraints': [models.UniqueConstraint(fields=('listing', 'day', 'kind', 'version', 'core_version'), name='gridkit_market_day_once')],
            },
        ),
        migrations.CreateModel(
            name='MarketEvent',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('kind', models.CharField(choices=[('download', 'download'), ('install', 'install'), ('update', 'update'), ('uninstall', 'uninstall')], max_length=10, verbose_name='kind')),
                ('day', models.DateField(verbose_name='day')),
                ('site', models.CharField(max_length=64, verbose_name='site')),
                ('version', models.CharField(max_length=64, verbose_name='version')),
                ('core_version', models.CharField(blank=True, max_length=64, verbose_name='version of GridKit')),
                ('counted', models.BooleanField(default=False, verbose_name='in the sums')),
                ('listing', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='+', to='gridkit_django.listing', verbose_name='listing')),
            ],
            options={
                'verbose_name': 'report of a site',
                'verbose_name_plural': 'reports of sites',
                'indexes': [models.Index(condition=models.Q(('counted', False)), fields=['id'], name='gridkit_market_event_new'), models.Index(fields=['day'], name='gridkit_market_event_day')],
                'constraints': [models.UniqueConstraint(fields=('listing', 'kind', 'day', 'site', 'version'), name='gridkit_market_event_once')],
            },
        ),
        migrations.CreateModel(
            name='MarketSite',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('site', models.CharField(max_length=64, verbose_name='site')),
                ('installed', models.BooleanField(default=True, verbose_name='installed')),
                ('version', models.CharField(max_length=64, verbose_name='version')),
                ('rating', models.PositiveSmallIntegerField(null=True, verbose_name='rating')),
                ('rated_at', models.DateTimeField(null=True, verbose_name='rated at')),
                ('seen_at', models.DateTimeField(default=django.utils.timezone.now, verbose_name='last report')),
                ('listing', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='sites', to='gridkit_django.listing', verbose_name='listing')),
            ],
            options={
                'verbose_name': 'site that has a plugin',
                'verbose_name_plural': 'sites that have plugins',
                'constraints': [models.UniqueConstraint(fields=('listing', 'site'), name='gridkit_market_site_once')],
            },
        ),
        migrations.AddIndex(
            model_name='release',
            index=models.Index(fields=['state', '-created_at'], name='gridkit_market_release_state'),
        ),
        migrations.AddConstraint(
            model_name='release',
            constraint=models.UniqueConstraint(fields=('listing', 'version'), name='gridkit_market_release_once'),
        ),
        migrations.AddConstraint(
            model_name='releasecheck',
            constraint=models.UniqueConstraint(fields=('release', 'name'), name='gridkit_market_check_once'),
        ),
        migrations.RunPython(make_text_search, drop_text_search),
    ]
