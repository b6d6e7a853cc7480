"""Settings of the example project: safe by default, changed through the environment only.

``DATABASE_URL`` (PostgreSQL), ``REDIS_URL`` (broker, cache, hints between processes), ``SECRET_KEY``, ``DJANGO_DEBUG``,
``DJANGO_ALLOWED_HOSTS`` and ``DJANGO_CSRF_TRUSTED_ORIGINS`` (comma-separated), ``DJANGO_HTTPS`` (behind a proxy that
speaks https), ``DJANGO_LOG_LEVEL``, ``GRIDKIT_DEMO_VAR`` (folder of the demo's files), ``GRIDKIT_DEMO_ADDRESS`` (where
this site answers; the demo tells its processes: they install from the marketplace that it serves itself).
"""

from __future__ import annotations

import gc
import os
from pathlib import Path

from example_project.environment import cache, database, flag, is_news, own_marketplace, secret_key, var_folder, words

# What a start makes stays: looking through it for garbage again and again, as is the default, takes a sixth of a start.
gc.set_threshold(50_000)

BASE_DIR = Path(__file__).resolve().parent.parent
VAR_DIR = var_folder(BASE_DIR)
MARKET_DIR = VAR_DIR / "market"
REDIS_URL = os.environ.get("REDIS_URL") or None

SECRET_KEY = secret_key(VAR_DIR)
DEBUG = flag("DJANGO_DEBUG")
ALLOWED_HOSTS = ["localhost", "127.0.0.1", "[::1]", *words("DJANGO_ALLOWED_HOSTS")]
CSRF_TRUSTED_ORIGINS = words("DJANGO_CSRF_TRUSTED_ORIGINS")

INSTALLED_APPS = [
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "rest_framework",
    "rest_framework.authtoken",
    "django_filters",
    "guardian",
    "gridkit_django",
    "gridkit_plugins",
    "example_project.flights",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "gridkit_django.middleware.AuditMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.middleware.gzip.GZipMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]

ROOT_URLCONF = "example_project.urls"
WSGI_APPLICATION = "example_project.wsgi.application"
ASGI_APPLICATION = "example_project.asgi.application"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "example_project" / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ]
        },
    }
]

DATABASES = {"default": database(VAR_DIR)}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
CACHES = {"default": cache(REDIS_URL)}

AUTHENTICATION_BACKENDS = [
    "django.contrib.auth.backends.ModelBackend",
    "guardian.backends.ObjectPermissionBackend",
]
# guardian would make a user row for anonymous visitors; here they have no rights at all.
ANONYMOUS_USER_NAME = None
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in (
        "UserAttributeSimilarityValidator",
        "MinimumLengthValidator",
        "CommonPasswordValidator",
        "NumericPasswordValidator",
    )
]
LOGIN_URL = "login"
LOGIN_REDIRECT_URL = "/"
LOGOUT_REDIRECT_URL = "login"

LANGUAGE_CODE = "en-us"
TIME_ZONE = "America/New_York"
USE_I18N = True
USE_TZ = True

STATIC_URL = "static/"
# No collectstatic step: WhiteNoise serves what the installed apps bring.
WHITENOISE_USE_FINDERS = True
MEDIA_ROOT = VAR_DIR / "media"
STORAGES = {
    "default": {
        "BACKEND": "django.core.files.storage.FileSystemStorage",
        "OPTIONS": {"location": MEDIA_ROOT, "file_permissions_mode": 0o600, "directory_permissions_mode": 0o700},
    },
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
}

SESSION_COOKIE_NAME = "gridkit_demo_session"
SECURE_CROSS_ORIGIN_OPENER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
if flag("DJANGO_HTTPS"):
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    SECURE_SSL_REDIRECT = True
    SECURE_HSTS_SECONDS = 31_536_000
    SESSION_COOKIE_SECURE = True
    CSRF_COOKIE_SECURE = True

CELERY_BROKER_URL = REDIS_URL or "memory://localhost"
# In memory, a task waits for the worker to look: let it look often.
CELERY_BROKER_TRANSPORT_OPTIONS = {} if REDIS_URL else {"polling_interval": 0.05}
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_TASK_IGNORE_RESULT = True  # the job rows are the results
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_TIMEZONE = TIME_ZONE
CELERY_BEAT_SCHEDULE = {
    "gridkit-resume-exports": {"task": "gridkit.resume_exports", "schedule": 5, "options": {"expires": 5}},
    "gridkit-expire-exports": {"task": "gridkit.expire_exports", "schedule": 300},
    "gridkit-expire-edits": {"task": "gridkit.expire_edits", "schedule": 300},
    "gridkit-resume-operations": {"task": "gridkit.resume_operations", "schedule": 10, "options": {"expires": 10}},
    "gridkit-auto-update": {"task": "gridkit.auto_update", "schedule": 3600, "options": {"expires": 3600}},
    "gridkit-refresh-catalogue": {"task": "gridkit.refresh_catalogue", "schedule": 600, "options": {"expires": 600}},
    "gridkit-sign-market": {"task": "gridkit.sign_market", "schedule": 3600, "kwargs": {"refresh": True}},
    "gridkit-check-releases": {"task": "gridkit.check_waiting_releases", "schedule": 300},
    "gridkit-count-market": {"task": "gridkit.roll_up_market", "schedule": 60, "options": {"expires": 60}},
    "gridkit-renew-market": {"task": "gridkit.renew_market", "schedule": 86_400},
    "gridkit-health": {"task": "gridkit.check_plugin_health", "schedule": 60},
    # What waits for a busy worker for so long is stale: the next one does the same.
    "gridkit-due-exports": {"task": "gridkit.run_due_exports", "schedule": 60, "options": {"expires": 60}},
    "gridkit-jobs": {"task": "gridkit.run_due_jobs", "schedule": 5, "options": {"expires": 5}},
    "gridkit-deliver-outbox": {"task": "gridkit.deliver_outbox", "schedule": 5, "options": {"expires": 5}},
    "gridkit-deliver-audit": {"task": "gridkit.deliver_audit", "schedule": 10, "options": {"expires": 10}},
    "gridkit-purge-audit": {"task": "gridkit.purge_audit", "schedule": 86_400},
    "gridkit-partition-audit": {"task": "gridkit.partition_audit", "schedule": 86_400},
    "gridkit-seal-audit": {"task": "gridkit.seal_audit", "schedule": 5, "options": {"expires": 5}},
    "gridkit-verify-audit": {"task": "gridkit.verify_audit", "schedule": 86_400},
}

GRIDKIT = {
    "PLUGIN_ROOT": str(VAR_DIR / "plugins"),
    "HOT_RELOAD": flag("GRIDKIT_DEMO_HOT_RELOAD"),
    "HINT_URL": REDIS_URL,
    "MARKET": {"serve": True, "name": "The demo's own marketplace"},
    "MARKET_TRUST_STORE": str(MARKET_DIR / "tuf"),
    "MARKET_TRUST_KEY": str(MARKET_DIR / "online.pem"),
    "MARKETPLACE_TRUSTED": ["@demo"],
    "MARKETPLACES": own_marketplace(MARKET_DIR),
}

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "{asctime} {levelname:<7} {name}: {message}", "style": "{"}},
    "filters": {"news": {"()": "django.utils.log.CallbackFilter", "callback": is_news}},
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "line", "filters": ["news"]}},
    "root": {"handlers": ["console"], "level": "WARNING"},
    "loggers": {
        # Plugins log under gridkit_django.plugin.<id>.
        "gridkit_django": {"level": os.environ.get("DJANGO_LOG_LEVEL", "INFO").upper()},
        "gridkit_plugins": {"level": os.environ.get("DJANGO_LOG_LEVEL", "INFO").upper()},
        "celery.worker.control": {"level": "ERROR"},  # it warns of the shutdown that the demo itself asks for
        "django.server": {"handlers": ["console"], "level": "WARNING", "propagate": False},
    },
}
