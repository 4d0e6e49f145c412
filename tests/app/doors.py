"""By which door a test of the browser comes to the app, for ``pytestmark`` of modules and for single tests."""

import pytest

from tests.app.serving import Door

BY_NGINX = pytest.param(Door.NGINX, marks=[pytest.mark.slow, pytest.mark.nginx])
BY_APP = pytest.mark.parametrize("door", [Door.APP], indirect=True, scope="session")
BY_BOTH = pytest.mark.parametrize("door", [Door.APP, BY_NGINX], indirect=True, scope="session")
