"""The handler on Django, as one module: DEBUG off, no database, and of the
middleware only what startproject's settings name that an API without sessions
and forms keeps."""

import os

from django.core.wsgi import get_wsgi_application
from django.conf import settings
from django.http import JsonResponse
from django.urls import path

settings.configure(
    DEBUG=False,
    SECRET_KEY=os.urandom(32).hex(),
    ALLOWED_HOSTS=["127.0.0.1", "localhost"],
    ROOT_URLCONF=__name__,
    MIDDLEWARE=[
        "django.middleware.security.SecurityMiddleware",
        "django.middleware.common.CommonMiddleware",
    ],
)


def get_user(request, id):
    return JsonResponse({"id": id, "name": f"User {id}", "email": f"user{id}@example.com"})


urlpatterns = [path("users/<str:id>", get_user)]

application = get_wsgi_application()
