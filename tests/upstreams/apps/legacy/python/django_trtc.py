"""Verifies the signature of a TRTC callback. Needs no CSRF token, and accepts only the hosts in ALLOWED_HOSTS."""

import base64
import hashlib
import hmac
import json
import os

from django.conf import settings
from django.core.wsgi import get_wsgi_application
from django.http import HttpResponse, JsonResponse
from django.urls import path
from django.views.decorators.csrf import csrf_exempt

settings.configure(
    ALLOWED_HOSTS=["legacy.test"],
    MIDDLEWARE=[
        "django.middleware.security.SecurityMiddleware",
        "django.middleware.common.CommonMiddleware",
        "django.middleware.csrf.CsrfViewMiddleware",
    ],
    ROOT_URLCONF=__name__,
    LOGGING_CONFIG=None,
)


@csrf_exempt
def callback(request):
    expected = hmac.new(os.environ["LEGACY_KEY"].encode(), request.body, hashlib.sha256).digest()
    if request.headers.get("SdkAppId") != "1400000000":
        return HttpResponse("unknown app", status=400)
    if request.headers.get("Sign") != base64.b64encode(expected).decode():
        return HttpResponse("bad sign", status=403)
    json.loads(request.body)["EventInfo"]
    return JsonResponse({"code": 0})


urlpatterns = [path("trtc/callback", callback)]
app = get_wsgi_application()
