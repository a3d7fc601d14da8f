/**
 * Certificate and key files for TLS: read, and checked before anything listens, so that a mistake is one clear line at
 * the start and not a handshake that fails for every client.
 */
import { createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { invalid } from '../base/errors.js'
import type { TlsFiles } from '../wire/port.js'

/** Paths as the command line gives them. */
export interface TlsPaths {
  readonly tlsCert?: string
  readonly tlsKey?: string
  readonly tlsClientCa?: string
}

/**
 * The files' contents, or undefined when TLS is not asked for.
 * @throws MilvusError ParameterInvalid naming the flag: a file that cannot be read or holds something else, a key of
 *   another certificate, one flag without the other
 */
export async function readTlsFiles(
  paths: TlsPaths,
  warn: (line: string) => void,
): Promise<TlsFiles | undefined> {
  const { tlsCert, tlsKey, tlsClientCa } = paths
  if (tlsCert === undefined && tlsKey === undefined) {
    if (tlsClientCa === undefined) return undefined
    throw invalid('--tls-client-ca: needs --tls-cert and --tls-key')
  }
  if (tlsCert === undefined) throw invalid('--tls-key: needs --tls-cert, the certificate it belongs to')
  if (tlsKey === undefined) throw invalid('--tls-cert: needs --tls-key, the private key of the certificate')
  const cert = await textOf('--tls-cert', tlsCert)
  const key = await textOf('--tls-key', tlsKey)
  const certificate = certificateOf('--tls-cert', tlsCert, cert)
  if (!certificate.checkPrivateKey(keyOf(tlsKey, key))) {
    throw invalid(`--tls-key: ${tlsKey} is not the key of the certificate in ${tlsCert}`)
  }
  warnOfDates(tlsCert, certificate, warn)
  if (tlsClientCa === undefined) return { cert, key }
  const clientCa = await textOf('--tls-client-ca', tlsClientCa)
  certificateOf('--tls-client-ca', tlsClientCa, clientCa)
  return { cert, key, clientCa }
}

async function textOf(flag: string, path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8')
  } catch (cause) {
    throw invalid(`${flag}: ${path} cannot be read: ${(cause as Error).message}`, { cause })
  }
}

function certificateOf(flag: string, path: string, text: string): X509Certificate {
  try {
    return new X509Certificate(text)
  } catch (cause) {
    throw invalid(`${flag}: ${path} holds no certificate in PEM form`, { cause })
  }
}

function keyOf(path: string, text: string): KeyObject {
  if (/^-+BEGIN ENCRYPTED|^Proc-Type: 4,ENCRYPTED/m.test(text)) {
    throw invalid(`--tls-key: ${path} is encrypted; decrypt it into a file that only the server may read`)
  }
  try {
    return createPrivateKey(text)
  } catch (cause) {
    throw invalid(`--tls-key: ${path} holds no private key in PEM form`, { cause })
  }
}

function warnOfDates(
  path: string,
  { validFrom, validTo }: X509Certificate,
  warn: (line: string) => void,
): void {
  const now = Date.now()
  if (now > Date.parse(validTo)) warn(`the certificate in ${path} has expired: it was valid until ${validTo}`)
  else if (now < Date.parse(validFrom)) warn(`the certificate in ${path} is not valid before ${validFrom}`)
}
