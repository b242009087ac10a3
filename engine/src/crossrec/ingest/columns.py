"""The names of columns that ingestion maps a file's own names to."""

USER = "user_id"
ITEM = "item_id"
EVENT = "event_type"
TIME = "time"
VALUE = "value"
EVENT_ID = "event_id"
REQUEST = "request_id"
