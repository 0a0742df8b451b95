from local.pages.openapi.document import document
from local.pages.openapi.events import events_document
from local.pages.openapi.files import files_of

for path, text in files_of(document(), events_document()).items():
    path.write_text(text)
