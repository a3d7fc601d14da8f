/** Servers with authentication, and clients that log in, for the tests of this folder. */
import { MilvusClient } from '@zilliz/milvus2-sdk-node'
import type { Test } from 'tap'
import { type Served, serveDirectory } from './served.js'

export const ROOT = { username: 'root', password: 'Milvus' }

export async function connect(
  t: Test,
  served: Served,
  login: { username: string; password: string },
  database?: string,
) {
  const client = new MilvusClient({
    address: served.address,
    timeout: 10_000,
    ...login,
    ...(database === undefined ? {} : { database }),
  })
  t.teardown(() => client.closeConnection())
  await client.connectPromise
  return client
}

export async function serveWithAuth(t: Test, options = {}): Promise<Served> {
  const served = await serveDirectory(t.testdir(), { auth: true, ...options })
  t.teardown(() => served.close())
  return served
}

/** POST with a login; answers status and body. */
export const poster =
  (served: Served, authorization?: string) =>
  async (path: string, body: object = {}, more: Record<string, string> = {}) => {
    const response = await fetch(`http://${served.address}/v2/vectordb/${path}`, {
      method: 'POST',
      body: JSON.stringify(body),
      headers: { ...(authorization === undefined ? {} : { authorization }), ...more },
    })
    return {
      status: response.status,
      body: (await response.json()) as { code: number; [key: string]: unknown },
    }
  }
