"""A staff tool with Django models, and a guard before them: `python guard_django.py ADDRESS TOKEN`."""

import sys

import django
from django.conf import settings

settings.configure(DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}})
django.setup()

from django.db import connection, models  # noqa: E402 - after the settings, as Django wants it

from whosaw.client import Client, guard  # noqa: E402


class Customer(models.Model):
    id = models.CharField(primary_key=True, max_length=20)
    email = models.EmailField()

    class Meta:
        app_label = "shop"


customers = guard(Customer, "customer", {"email": "customer.email"})


def main(address: str, token: str) -> None:
    with connection.schema_editor() as editor:
        editor.create_model(Customer)
    Customer.objects.create(id="C-1", email="ada.moreau@mail.example")
    with Client(address, token) as door:
        customer = Customer.objects.get(pk="C-1")
        print("before:", customer.email)
        customers.disclose(door, customer, ["email"], "ticket:T-1")
        print("after: ", customer.email)


if __name__ == "__main__":
    main(*sys.argv[1:3])
