# The shop's model is put together from these modules, one for each team that owns a part of it.
schema: '1.2'
contents:
  - people.fga
  - orders.fga
  - inventory.fga
  - billing.fga
