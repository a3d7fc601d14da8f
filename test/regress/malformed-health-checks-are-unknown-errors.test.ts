/**
 * Symptom: a malformed health check was answered with gRPC UNKNOWN and the text of an exception, which clients retry.
 *
 * What happened: the request was decoded outside the path that turns malformed messages into INVALID_ARGUMENT.
 */
import * as grpc from '@grpc/grpc-js'
import t from 'tap'
import { serveDirectory } from '../wire/served.js'

const asIs = (bytes: Buffer): Buffer => bytes

t.test('a malformed health check is INVALID_ARGUMENT, a right one is answered', async t => {
  const served = await serveDirectory(t.testdir())
  const client = new grpc.Client(served.address, grpc.credentials.createInsecure())
  t.teardown(() => {
    client.close()
    return served.close()
  })
  const check = (request: Buffer): Promise<string> =>
    new Promise(resolve => {
      client.makeUnaryRequest('/grpc.health.v1.Health/Check', asIs, asIs, request, (error, value) =>
        resolve(error === null ? (value?.toString('hex') ?? '') : `${error.code} ${error.details}`),
      )
    })
  const watch = (request: Buffer): Promise<string> =>
    new Promise(resolve => {
      const stream = client.makeServerStreamRequest('/grpc.health.v1.Health/Watch', asIs, asIs, request)
      stream.on('error', error => resolve(`${(error as grpc.ServiceError).code}`))
      stream.on('data', (bytes: Buffer) => {
        resolve(bytes.toString('hex'))
        stream.cancel()
      })
    })
  t.equal(await check(Buffer.from('0aff', 'hex')), '3 malformed protobuf message')
  t.equal(await check(Buffer.alloc(0)), '0801')
  t.equal(await watch(Buffer.from('0aff', 'hex')), '3')
  t.equal(await watch(Buffer.alloc(0)), '0801')
  t.strictSame(served.warnings, [])
})
