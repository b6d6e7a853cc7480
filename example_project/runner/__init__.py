"""What `manage.py demo` starts and stops: a web server and a Celery worker, inside this process or beside it."""
