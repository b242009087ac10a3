"""The names of the columns that crossrec uses everywhere behind the edge of ingestion."""

USER = "user_id"
ITEM = "item_id"
EVENT = "event_type"
TIME = "time"
VALUE = "value"
EVENT_ID = "event_id"
