/**
 * The cURL examples of the page "Upsert Entities", letter for letter. The first two have a comma behind their last row:
 * that is no JSON, and the server says so; without the comma they are what the page means.
 */

export const UPSERT = `export CLUSTER_ENDPOINT="http://localhost:19530"
export TOKEN="root:Milvus"

curl --request POST \\
--url "\${CLUSTER_ENDPOINT}/v2/vectordb/entities/upsert" \\
--header "Authorization: Bearer \${TOKEN}" \\
--header "Content-Type: application/json" \\
-d '{
    "data": [
        {"id": 0, "vector": [0.3580376395471989, -0.6023495712049978, 0.18414012509913835, -0.26286205330961354, 0.9029438446296592], "title": "Artificial Intelligence in Real Life", "issue": "vol.12"},
        {"id": 1, "vector": [0.19886812562848388, 0.06023560599112088, 0.6976963061752597, 0.2614474506242501, 0.838729485096104], "title": "Hollow Man", "issue": "vol.19"},
        {"id": 2, "vector": [0.43742130801983836, -0.5597502546264526, 0.6457887650909682, 0.7894058910881185, 0.20785793220625592], "title": "Treasure Hunt in Missouri", "issue": "vol.12"},
],
    "collectionName": "my_collection"
}'
`

export const UPSERT_INTO_PARTITION = `export CLUSTER_ENDPOINT="http://localhost:19530"
export TOKEN="root:Milvus"

curl --request POST \\
--url "\${CLUSTER_ENDPOINT}/v2/vectordb/entities/upsert" \\
--header "Authorization: Bearer \${TOKEN}" \\
--header "Content-Type: application/json" \\
-d '{
    "data": [
        {"id": 10, "vector": [0.06998888224297328, 0.8582816610326578, -0.9657938677934292, 0.6527905683627726, -0.8668460657158576], "title": "Layour Design Reference", "issue": "vol.34"},
        {"id": 11, "vector": [0.6060703043917468, -0.3765080534566074, -0.7710758854987239, 0.36993888322346136, 0.5507513364206531], "title": "Doraemon and His Friends", "issue": "vol.2"},
        {"id": 12, "vector": [-0.9041813104515337, -0.9610546012461163, 0.20033003106083358, 0.11842506351635174, 0.8327356724591011], "title": "Pikkachu and Pokemon", "issue": "vol.12"},
    ],
    "collectionName": "my_collection",
    "partitionName": "partitionA"
}'
`

export const UPSERT_MERGE = `export CLUSTER_ENDPOINT="http://localhost:19530"
export TOKEN="root:Milvus"

curl --request POST \\
--url "\${CLUSTER_ENDPOINT}/v2/vectordb/entities/upsert" \\
--header "Authorization: Bearer \${TOKEN}" \\
--header "Content-Type: application/json" \\
-d '{
    "data": [
        {"id": 3, "issue": "vol.14"},
        {"id": 12, "issue": "vol.7"}
    ],
    "collectionName": "my_collection",
    "partialUpdate": true
}'
`
