// SPDX-License-Identifier: Apache-2.0
// Which counters tell what a backend answered: by gateway, or the application's own.
import { Failure } from '@pratique/core';

/** A Service behind the route. */
export interface Backend {
  readonly namespace: string;
  readonly service: string;
  readonly port: number;
}

/** Where raw counters of a backend are found. Selectors are of the form `name{label="value"}`. */
export interface CounterPreset {
  readonly name: string;
  /** A counter of answers, with the status in a label. */
  requests(backend: Backend): string;
  /** The label that holds the status, and which of its values are failures. */
  readonly status: { readonly label: string; readonly failed: RegExp };
  /** The cumulative buckets of a histogram of times, with their bound in `le`; absent when there is none. */
  readonly buckets?: (backend: Backend) => string;
  /** Seconds of one unit of `le`. */
  readonly unitSeconds: number;
  /** Labels that name who counts; it restarts as one. */
  readonly source: readonly string[];
}

const serverErrors = /^5\d\d$/;
/** A value inside a matcher; what is no plain name is refused, so that no name changes the query. */
const plain = (text: string): string => {
  if (/^[a-zA-Z0-9_.:-]+$/.test(text)) return text;
  throw new Failure({ code: 'INPUT_INVALID', message: `"${text.slice(0, 60)}" cannot stand in a metrics query` });
};

/** Traefik as Gateway API controller, with `addServicesLabels` (traefik 3.5: the service is NAMESPACE-SERVICE-PROTOCOL-PORT@kubernetesgateway). */
const traefikService = ({ namespace, service, port }: Backend): string => `service=~"${plain(namespace)}-${plain(service)}-[a-z0-9]+-${port}@kubernetesgateway"`;
/** Istio's standard metrics, counted where the request was sent from: the gateway (istio.io/latest/docs/reference/config/metrics). */
const istioService = ({ namespace, service }: Backend): string => `reporter="source",destination_service_name="${plain(service)}",destination_service_namespace="${plain(namespace)}"`;
const nginxService = ({ namespace, service }: Backend): string => `exported_namespace="${plain(namespace)}",exported_service="${plain(service)}"`;

const presets: Readonly<Record<string, CounterPreset>> = {
  traefik: {
    name: 'traefik', status: { label: 'code', failed: serverErrors }, unitSeconds: 1, source: ['instance', 'pod'],
    requests: (backend) => `traefik_service_requests_total{${traefikService(backend)}}`, buckets: (backend) => `traefik_service_request_duration_seconds_bucket{${traefikService(backend)}}`,
  },
  istio: {
    name: 'istio', status: { label: 'response_code', failed: /^(?:0|5\d\d)$/ }, unitSeconds: 0.001, source: ['instance', 'pod'],
    requests: (backend) => `istio_requests_total{${istioService(backend)}}`, buckets: (backend) => `istio_request_duration_milliseconds_bucket{${istioService(backend)}}`,
  },
  nginx: {
    name: 'nginx', status: { label: 'status', failed: serverErrors }, unitSeconds: 1, source: ['instance', 'controller_pod'],
    requests: (backend) => `nginx_ingress_controller_requests{${nginxService(backend)}}`, buckets: (backend) => `nginx_ingress_controller_request_duration_seconds_bucket{${nginxService(backend)}}`,
  },
};

/** Names of the presets. */
export const presetNames = ['traefik', 'istio', 'nginx'] as const;

/** A preset by name. Fails with `INPUT_INVALID`. */
export function findPreset(name: string): CounterPreset {
  const preset = Object.hasOwn(presets, name) ? presets[name] : undefined;
  if (preset === undefined) throw new Failure({ code: 'INPUT_INVALID', message: `there are no counters "${name}"`, hint: `Known: ${Object.keys(presets).join(', ')}.` });
  return preset;
}

/** Counters of the application. `requests` and `buckets` are selectors in which `$namespace`, `$service` and `$port` stand for the backend. */
export function ownPreset(own: { readonly requests: string; readonly statusLabel: string; readonly failed: RegExp; readonly buckets?: string }): CounterPreset {
  const fill = (selector: string) => (backend: Backend): string => selector.replaceAll('$namespace', plain(backend.namespace)).replaceAll('$service', plain(backend.service)).replaceAll('$port', String(backend.port));
  const check = (selector: string): string => {
    // Both must be told apart by it, and a range is added behind it: an expression would be something else than raw counters.
    if (/^[a-zA-Z_:][a-zA-Z0-9_:]*\{[^{}]*\}$/.test(selector) && selector.includes('$service')) return selector;
    throw new Failure({ code: 'INPUT_INVALID', message: `"${selector.slice(0, 80)}" is no selector of raw counters by $service`, hint: 'For example http_requests_total{namespace="$namespace",service="$service"}; no rate(), no sum().' });
  };
  return {
    name: 'application', status: { label: own.statusLabel, failed: own.failed }, unitSeconds: 1, source: ['instance', 'pod'], requests: fill(check(own.requests)),
    ...(own.buckets !== undefined && { buckets: fill(check(own.buckets)) }),
  };
}
