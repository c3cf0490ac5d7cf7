// SPDX-License-Identifier: Apache-2.0
// A certificate authority for the lab's servers: one root in memory, leaf certificates for names and addresses.
import 'reflect-metadata';
import { isIP } from 'node:net';
import {
  AuthorityKeyIdentifierExtension, BasicConstraintsExtension, ExtendedKeyUsage, ExtendedKeyUsageExtension, type Extension, KeyUsageFlags, KeyUsagesExtension, PemConverter, SubjectAlternativeNameExtension,
  SubjectKeyIdentifierExtension, X509CertificateGenerator,
} from '@peculiar/x509';

/** A root that clients are told to trust, and what it issues. PEM everywhere. */
export interface Authority {
  /** The root certificate. */
  readonly certificate: string;
  /** A server certificate for DNS names and IP addresses, valid one year; the chain is the leaf alone. */
  issue(names: string[]): Promise<{ key: string; certificate: string }>;
  /** A client certificate, valid one year: the user's name and one group as Kubernetes reads them (CN, O). */
  issueClient(user: string, group: string): Promise<{ key: string; certificate: string }>;
}

const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const;
const dayMillis = 86_400_000;

/** Makes a new root (ECDSA P-256, ten years); its key never leaves the process. */
export async function createAuthority(): Promise<Authority> {
  const keys = await newKeys();
  const root = await X509CertificateGenerator.createSelfSigned({
    serialNumber: serialNumber(),
    name: 'CN=Pratique Lab Root, O=Pratique Lab',
    ...validity(3650),
    keys,
    signingAlgorithm: algorithm,
    extensions: [
      new BasicConstraintsExtension(true, undefined, true),
      new KeyUsagesExtension(KeyUsageFlags.keyCertSign | KeyUsageFlags.cRLSign, true),
      await SubjectKeyIdentifierExtension.create(keys.publicKey),
    ],
  });
  const server = (names: string[]) => new SubjectAlternativeNameExtension(names.map((name) => (isIP(name) ? { type: 'ip' as const, value: name } : { type: 'dns' as const, value: name })));
  const signer = { issuer: root.subject, ca: keys };
  return {
    certificate: `${root.toString('pem')}\n`,
    issue: (names) => issueLeaf({ ...signer, subject: 'CN=Pratique Lab Server, O=Pratique Lab', usage: ExtendedKeyUsage.serverAuth, more: [server(names)] }),
    issueClient: (user, group) => issueLeaf({ ...signer, subject: `CN=${user}, O=${group}`, usage: ExtendedKeyUsage.clientAuth, more: [] }),
  };
}

interface Leaf {
  readonly issuer: string;
  readonly ca: CryptoKeyPair;
  readonly subject: string;
  readonly usage: ExtendedKeyUsage;
  readonly more: readonly Extension[];
}

async function issueLeaf({ issuer, ca, subject, usage, more }: Leaf): Promise<{ key: string; certificate: string }> {
  const keys = await newKeys();
  const leaf = await X509CertificateGenerator.create({
    serialNumber: serialNumber(),
    subject,
    issuer,
    ...validity(365),
    publicKey: keys.publicKey,
    signingKey: ca.privateKey,
    signingAlgorithm: algorithm,
    extensions: [
      new BasicConstraintsExtension(false, undefined, true),
      new KeyUsagesExtension(KeyUsageFlags.digitalSignature, true),
      new ExtendedKeyUsageExtension([usage]),
      ...more,
      await SubjectKeyIdentifierExtension.create(keys.publicKey),
      await AuthorityKeyIdentifierExtension.create(ca.publicKey),
    ],
  });
  const key = PemConverter.encode(await crypto.subtle.exportKey('pkcs8', keys.privateKey), 'PRIVATE KEY');
  return { key: `${key}\n`, certificate: `${leaf.toString('pem')}\n` };
}

async function newKeys(): Promise<CryptoKeyPair> {
  return crypto.subtle.generateKey(algorithm, true, ['sign', 'verify']);
}

// An hour back: containers and virtual machines do not agree on the time to the second.
function validity(days: number): { notBefore: Date; notAfter: Date } {
  return { notBefore: new Date(Date.now() - 3_600_000), notAfter: new Date(Date.now() + days * dayMillis) };
}

// RFC 5280 4.1.2.2: positive, at most 20 octets.
function serialNumber(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  bytes[0] = ((bytes[0] ?? 0) & 0x7f) | 0x40;
  return Buffer.from(bytes).toString('hex');
}
