"""The first phase: creates and fills everything, and checks it before the server restarts."""

from pymilvus import MilvusClient, __version__

import calls
import entities
import newer
import other_styles
import page
import richer
from tap import URI, finish

print(f"# version pymilvus {__version__}")
client = MilvusClient(uri=URI, token="root:Milvus")
for part in (page, entities, calls, newer, richer, other_styles):
    part.before(client)
client.close()
finish()
