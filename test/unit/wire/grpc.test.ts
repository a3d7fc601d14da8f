import { request as httpRequest } from 'node:http'
import { connect } from 'node:net'
import * as grpc from '@grpc/grpc-js'
import { MilvusClient } from '@zilliz/milvus2-sdk-node'
import t from 'tap'
import { collectionNotFound, MilvusError } from '../../../lib/base/errors.js'
import { HealthCheckRequest, HealthCheckResponse } from '../../../lib/wire/descriptors.js'
import { decode, encode } from '../../../lib/wire/message.js'
import { BoolResponse, HasCollectionRequest } from '../../../lib/wire/messages/collections.js'
import { type Stub, type StubCalls, startStub } from './stub-server.js'

async function serve(
  t: Tap.Test,
  calls: StubCalls,
  options?: Parameters<typeof startStub>[1],
): Promise<Stub> {
  const stub = await startStub(calls, options)
  t.teardown(() => stub.close())
  return stub
}

declare namespace Tap {
  interface Test {
    teardown(after: () => unknown): void
  }
}

function sdk(t: Tap.Test, stub: Stub, more: object = {}): MilvusClient {
  const client = new MilvusClient({ address: stub.address, ...more })
  t.teardown(() => client.closeConnection())
  return client
}

/** One unary call with bytes in and bytes out. */
function rawCall(
  address: string,
  path: string,
  request: Buffer,
  metadata = new grpc.Metadata(),
): Promise<{ code: number; details: string; bytes: Buffer }> {
  const client = new grpc.Client(address, grpc.credentials.createInsecure())
  const asIs = (b: Buffer): Buffer => b
  return new Promise(resolve => {
    client.makeUnaryRequest(path, asIs, asIs, request, metadata, (error, value) => {
      client.close()
      resolve({ code: error?.code ?? 0, details: error?.details ?? '', bytes: value ?? Buffer.alloc(0) })
    })
  })
}

const HAS = '/milvus.proto.milvus.MilvusService/HasCollection'

t.test('the Milvus SDK connects, and its requests arrive with the database it named', async t => {
  const seen: string[] = []
  const stub = await serve(t, {
    HasCollection: async (request, context) => {
      seen.push(`${request.collection_name} in ${context.database}`)
      return { value: true }
    },
  })
  const client = sdk(t, stub, { database: 'books' })
  await client.connectPromise
  t.match(await client.getVersion(), { version: 'v2.6.0', status: { error_code: 'Success' } })
  const metadata = new grpc.Metadata()
  metadata.set('dbname', 'books')
  const { bytes } = await rawCall(
    stub.address,
    HAS,
    encode(HasCollectionRequest, { collection_name: 'c' }),
    metadata,
  )
  t.match(decode(BoolResponse, bytes), { value: true })
  t.same(seen, ['c in books'])
})

t.test('an error becomes a Status with both codes, inside a successful answer', async t => {
  const stub = await serve(t, {
    DescribeCollection: async () => {
      throw collectionNotFound('default', 'nope')
    },
    LoadCollection: async () => {
      throw new MilvusError('IndexNotFound', '', { fields: { collection: 'nope' } })
    },
  })
  const client = sdk(t, stub)
  t.match(await client.describeCollection({ collection_name: 'nope' }), {
    status: {
      code: 100,
      error_code: 'UnexpectedError',
      reason: "can't find collection[database=default][collection=nope]",
      extra_info: { is_input_error: 'true' },
    },
  })
  t.match(await client.loadCollectionAsync({ collection_name: 'nope' }), {
    code: 700,
    error_code: 'IndexNotExist',
    reason: 'index not found[collection=nope]',
  })
})

t.test('a slip of ours is code 65535 and one warning, not a broken connection', async t => {
  const stub = await serve(t, {
    HasCollection: async () => {
      throw new TypeError('oops')
    },
  })
  const { code, bytes } = await rawCall(stub.address, HAS, Buffer.alloc(0))
  t.equal(code, 0)
  t.match(decode(BoolResponse, bytes), {
    status: { code: 65535, error_code: 1, reason: 'oops', retriable: false },
  })
  t.equal(stub.warnings.length, 1)
  t.match(stub.warnings[0], /HasCollection: TypeError: oops/)
})

t.test('malformed bytes are INVALID_ARGUMENT, which clients do not retry', async t => {
  const stub = await serve(t, { HasCollection: async () => ({ value: true }) })
  const good = encode(HasCollectionRequest, { collection_name: 'collection', db_name: 'db' })
  for (const bytes of [
    good.subarray(0, -1),
    Buffer.from([0x1a, 0xff, 0xff, 0xff, 0xff, 0x0f]),
    Buffer.from([0x1b]),
  ]) {
    const { code, details } = await rawCall(stub.address, HAS, bytes)
    t.equal(code, grpc.status.INVALID_ARGUMENT)
    t.match(details, /malformed protobuf message/)
  }
})

t.test('methods without meaning in one process are refused by name', async t => {
  const stub = await serve(t, {})
  for (const name of ['CreateResourceGroup', 'Import', 'CreateReplicateStream']) {
    const { code, details } = await rawCall(
      stub.address,
      `/milvus.proto.milvus.MilvusService/${name}`,
      Buffer.from([0x1a, 0]),
    )
    t.equal(code, grpc.status.UNIMPLEMENTED)
    t.match(details, new RegExp(`^${name} is not served`))
  }
  t.equal(
    (await rawCall(stub.address, '/milvus.proto.milvus.MilvusService/Nothing', Buffer.alloc(0))).code,
    12,
  )
})

t.test('grpc.health.v1 answers', async t => {
  const stub = await serve(t, {})
  const check = (service: string) =>
    rawCall(stub.address, '/grpc.health.v1.Health/Check', encode(HealthCheckRequest, { service }))
  t.match(decode(HealthCheckResponse, (await check('')).bytes), { status: 1 })
  t.match(decode(HealthCheckResponse, (await check('milvus.proto.milvus.MilvusService')).bytes), {
    status: 1,
  })
  t.equal((await check('other')).code, grpc.status.NOT_FOUND)
})

t.test('with authentication on, wrong or missing credentials are UNAUTHENTICATED', async t => {
  const stub = await serve(
    t,
    { HasCollection: async (_request, context) => ({ value: context.user === 'root' }) },
    { authenticate: ({ user, password }) => user === 'root' && password === 'Milvus' },
  )
  const call = (authorization?: string) => {
    const metadata = new grpc.Metadata()
    if (authorization !== undefined) metadata.set('authorization', authorization)
    return rawCall(stub.address, HAS, Buffer.alloc(0), metadata)
  }
  t.match(await call(), { code: 16, details: 'missing authorization in header' })
  t.match(await call('%%'), { code: 16, details: 'invalid token format' })
  const encoded = (text: string) => Buffer.from(text).toString('base64')
  t.match(await call(encoded('root:wrong')), { code: 16, details: /username and password/ })
  t.match(await call(encoded('key')), { code: 16, details: /api key/ })
  t.match(decode(BoolResponse, (await call(encoded('root:Milvus'))).bytes), { value: true })
})

t.test('HTTP/1 on the same port reaches the HTTP server', async t => {
  const stub = await serve(t, {})
  const text = await new Promise<string>((resolve, reject) => {
    httpRequest({ host: '127.0.0.1', port: stub.port, method: 'POST', path: '/x' }, response => {
      response.setEncoding('utf8').on('data', resolve)
    })
      .on('error', reject)
      .end('{}')
  })
  t.equal(text, 'plain')
})

t.test('a preface that trickles in byte by byte is still HTTP/2', async t => {
  const stub = await serve(t, {})
  const socket = connect(stub.port, '127.0.0.1').setNoDelay(true)
  t.teardown(() => socket.destroy())
  const preface = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n')
  for (const byte of preface) {
    socket.write(Buffer.from([byte]))
    await new Promise(resolve => setImmediate(resolve))
  }
  socket.write(Buffer.from([0, 0, 0, 4, 0, 0, 0, 0, 0])) // an empty SETTINGS frame
  const first = await new Promise<Buffer>(resolve => socket.once('data', resolve))
  t.equal(first[3], 4, 'the answer starts with a SETTINGS frame')
})

t.test('an HTTP/1 request that starts like the preface is still HTTP/1', async t => {
  const stub = await serve(t, {})
  const socket = connect(stub.port, '127.0.0.1').setNoDelay(true)
  t.teardown(() => socket.destroy())
  for (const piece of ['P', 'OST / HTTP/1.1\r\nhost: x\r\n\r\n']) {
    socket.write(piece)
    await new Promise(resolve => setTimeout(resolve, 20))
  }
  const first = await new Promise<Buffer>(resolve => socket.once('data', resolve))
  t.match(first.toString(), /^HTTP\/1\.1 200/)
})

t.test('a connection that never says what it is gets closed', async t => {
  const stub = await serve(t, {}, { firstBytesMs: 50 })
  const socket = connect(stub.port, '127.0.0.1')
  await new Promise(resolve => socket.once('close', resolve))
  t.pass('closed')
})

t.test('stopping lets a running call finish', async t => {
  let release = (): void => {}
  const running = new Promise<void>(resolve => {
    release = resolve
  })
  const entered = new Promise<void>(resolve => {
    void startStub({
      HasCollection: async () => {
        resolve()
        await running
        return { value: true }
      },
    }).then(stub => {
      stubs.push(stub)
      answers.push(rawCall(stub.address, HAS, Buffer.alloc(0)))
    })
  })
  const stubs: Stub[] = []
  const answers: Promise<{ code: number; bytes: Buffer }>[] = []
  await entered
  const stopped = stubs[0]!.close()
  release()
  await stopped
  const { code, bytes } = (await answers[0])!
  t.equal(code, 0)
  t.match(decode(BoolResponse, bytes), { value: true })
})
