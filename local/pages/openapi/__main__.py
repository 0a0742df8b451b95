from local.pages.openapi.document import document
from local.pages.openapi.files import files_of

for path, text in files_of(document()).items():
    path.write_text(text)
