// SPDX-License-Identifier: Apache-2.0
// Where everything of a running lab is, as JSON for people and programs.
import { join } from 'node:path';
import type { LabPrincipal } from './lab-defaults.ts';
import type { Listeners } from './lab-listeners.ts';

/** Login for `docker login` and everything that reads a Docker config. */
export interface RegistryLogin {
  readonly username: string;
  readonly password: string;
}

/** All of it is safe to print: the secrets are worth nothing outside of the lab. */
export interface LabAddresses {
  readonly folder: string;
  readonly processId: number;
  /** PEM of the root of all servers: SSL_CERT_FILE, NODE_EXTRA_CA_CERTS. */
  readonly caFile: string;
  /** The registry under test; `loginServer` is what stands in image names. */
  readonly acr: { readonly loginServer: string; readonly url: string };
  /** A second registry for base images and scanner databases: everybody pulls, `login` pushes. */
  readonly mirror: { readonly loginServer: string; readonly url: string; readonly login: RegistryLogin };
  readonly github: { readonly url: string; readonly apiUrl: string; readonly serverUrl: string; readonly issuer: string; /** `owner/name` to the bare git repository that is pushed to. */ readonly repositories: Readonly<Record<string, string>> };
  readonly entra: { readonly authorityHost: string; readonly tenantId: string; readonly clients: Readonly<Record<LabPrincipal, { readonly clientId: string; readonly objectId: string }>> };
  readonly sigstore: {
    readonly url: string;
    readonly fulcio: string;
    readonly rekor: string;
    readonly timestamps: string;
    readonly trustedRoot: { readonly path: string; readonly url: string };
    /** Rekor v2. */
    readonly signingConfig: { readonly path: string; readonly url: string };
    readonly signingConfigRekorV1: { readonly path: string; readonly url: string };
  };
  /** Resource Manager: `azure-resource-manager`, and ids of what it knows; the cluster only with `lab up --cluster`. */
  readonly arm: { readonly url: string; readonly cluster: string; readonly registry: string };
  /** Query endpoint of an Azure Monitor workspace, in front of the cluster's Prometheus; it takes tokens for `audience`. */
  readonly monitor: { readonly url: string; readonly audience: string };
  /** How to act as somebody. */
  readonly tokens: {
    /** Login at `acr` for each identity: an ACR refresh token of three hours as password. */
    readonly acr: Readonly<Record<LabPrincipal, RegistryLogin>>;
    /** Reads the repository through the REST API. */
    readonly github: string;
  };
  /** Variables that point foreign programs at the lab. */
  readonly environment: Readonly<Record<string, string>>;
}

/** Paths of the files that a lab writes for its clients. */
export function labFiles(folder: string) {
  return {
    ca: join(folder, 'ca.pem'),
    addresses: join(folder, 'lab.json'),
    trustedRoot: join(folder, 'trusted_root.json'),
    signingConfig: join(folder, 'signing_config.json'),
    signingConfigRekorV1: join(folder, 'signing_config.rekor-v1.json'),
  };
}

/** Addresses of the sigstore part. */
export function sigstoreAddresses(folder: string, listeners: Listeners): LabAddresses['sigstore'] {
  const url = listeners.url('sigstore');
  const files = labFiles(folder);
  return {
    url,
    fulcio: url,
    rekor: url,
    timestamps: `${url}/api/v1/timestamp`,
    trustedRoot: { path: files.trustedRoot, url: `${url}/trusted_root.json` },
    signingConfig: { path: files.signingConfig, url: `${url}/signing_config.json` },
    signingConfigRekorV1: { path: files.signingConfigRekorV1, url: `${url}/signing_config.json?rekor=1` },
  };
}

/** Environment for programs that trust only what they are told to. */
export function labEnvironment(folder: string): Readonly<Record<string, string>> {
  const { ca } = labFiles(folder);
  return { SSL_CERT_FILE: ca, NODE_EXTRA_CA_CERTS: ca, GIT_SSL_CAINFO: ca, CURL_CA_BUNDLE: ca, REQUESTS_CA_BUNDLE: ca };
}
