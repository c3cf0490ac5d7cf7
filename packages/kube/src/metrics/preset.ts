// SPDX-License-Identifier: Apache-2.0
// Which counters tell what a backend answered: by gateway, or the application's own.
import { Failure } from '@pratique/core';

/** A Service behind the route. */
export interface Backend {
  readonly namespace: string;
  readonly service: string;
  readonly port: number;
  /** Where annotations of Ingresses split: the main one, its Service and port (as it is written there). What goes to another Service is counted under these names as well, as its canary. */
  readonly ingress?: { readonly name: string; readonly service: string; readonly port: number | string };
  /** Names of its pods, as a regular expression that matches whole names; absent where they cannot be told apart by it. */
  readonly pods?: string;
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
  /** Each backend counts what it answers: who counts for one says nothing of the others. Otherwise gateways count for all. */
  readonly countsItself: boolean;
}

const serverErrors = /^5\d\d$/;
/** A value inside a matcher; what is no plain name is refused, so that no name changes the query. */
const plain = (text: string): string => {
  if (/^[a-zA-Z0-9_.:-]+$/.test(text)) return text;
  throw new Failure({ code: 'INPUT_INVALID', message: `"${text.slice(0, 60)}" cannot stand in a metrics query` });
};

/**
 * Traefik with `addServicesLabels`. As Gateway API controller it names what it counts after the Service alone, since 3.7.6 after the rule that sends to it;
 * as controller of Ingresses after the main one (doc.traefik.io/traefik/migrate/v3, pkg/provider/kubernetes/ingress-nginx/translator.go of 3.7).
 */
const traefikService = ({ namespace, service, port, ingress }: Backend): string => {
  if (ingress !== undefined) {
    const main = [namespace, ingress.name, ingress.service, String(ingress.port)].map((part) => plain(part).replaceAll(/[^a-zA-Z0-9]+/g, '-')).join('-');
    return `service="${main}${service === ingress.service ? '' : '-canary'}@kubernetesingressnginx"`;
  }
  const name = `${plain(namespace)}-${plain(service)}`;
  return `service=~"(?:${name}-[a-z0-9]+-${port}|.+-[0-9a-f]{20}-svc-${name}-[0-9]+)@kubernetesgateway"`;
};
/** Istio's standard metrics, counted where the request was sent from: the gateway (istio.io/latest/docs/reference/config/metrics). */
const istioService = ({ namespace, service }: Backend): string => `reporter="source",destination_service_name="${plain(service)}",destination_service_namespace="${plain(namespace)}"`;
/** ingress-nginx names the main Ingress and its Service, and the canary beside them (rootfs/etc/nginx/lua/monitor.lua). */
const nginxService = ({ namespace, service, ingress }: Backend): string => {
  const counted = `exported_namespace="${plain(namespace)}",exported_service="${plain(ingress?.service ?? service)}"`;
  if (ingress === undefined) return counted;
  return `${counted},ingress="${plain(ingress.name)}",canary="${service === ingress.service ? '' : plain(`${namespace}-${service}-${ingress.port}`)}"`;
};

const presets: Readonly<Record<string, CounterPreset>> = {
  traefik: {
    name: 'traefik', status: { label: 'code', failed: serverErrors }, unitSeconds: 1, source: ['instance', 'pod'], countsItself: false,
    requests: (backend) => `traefik_service_requests_total{${traefikService(backend)}}`, buckets: (backend) => `traefik_service_request_duration_seconds_bucket{${traefikService(backend)}}`,
  },
  istio: {
    name: 'istio', status: { label: 'response_code', failed: /^(?:0|5\d\d)$/ }, unitSeconds: 0.001, source: ['instance', 'pod'], countsItself: false,
    requests: (backend) => `istio_requests_total{${istioService(backend)}}`, buckets: (backend) => `istio_request_duration_milliseconds_bucket{${istioService(backend)}}`,
  },
  nginx: {
    name: 'nginx', status: { label: 'status', failed: serverErrors }, unitSeconds: 1, source: ['instance', 'controller_pod'], countsItself: false,
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

/** What stands for a backend in a selector. */
const places = /\$(?:namespace|service|port|pods)\b/g;

function fill(selector: string, { namespace, service, port, pods }: Backend): string {
  const parts: Readonly<Record<string, string | undefined>> = { $namespace: plain(namespace), $service: plain(service), $port: String(port), $pods: pods };
  return selector.replace(places, (name) => {
    const part = parts[name];
    if (part !== undefined) return part;
    throw new Failure({ code: 'INPUT_INVALID', message: `nothing can stand for ${name} in "${selector.slice(0, 80)}"`, hint: 'Count by $service.' });
  });
}

function checkSelector(selector: string): string {
  // The backends must be told apart by it, and a range is added behind it: an expression would be something else than raw counters.
  if (/^[a-zA-Z_:][a-zA-Z0-9_:]*\{[^{}]*\}$/.test(selector) && /\$(?:service|pods)\b/.test(selector)) return selector;
  throw new Failure({ code: 'INPUT_INVALID', message: `"${selector.slice(0, 80)}" is no selector of raw counters by $service or $pods`, hint: 'For example http_requests_total{namespace="$namespace",pod=~"$pods"}; no rate(), no sum().' });
}

/** Counters of the application. In `requests` and `buckets`, selectors, `$namespace`, `$service`, `$port` and `$pods` (a regular expression) stand for the backend. Fails with `INPUT_INVALID`. */
export function ownPreset(own: { readonly requests: string; readonly statusLabel: string; readonly failed: RegExp; readonly buckets?: string }): CounterPreset {
  const { requests, buckets } = { requests: checkSelector(own.requests), buckets: own.buckets === undefined ? undefined : checkSelector(own.buckets) };
  return {
    name: 'application', status: { label: own.statusLabel, failed: own.failed }, unitSeconds: 1, source: ['instance', 'pod'], countsItself: true, requests: (backend) => fill(requests, backend),
    ...(buckets !== undefined && { buckets: (backend: Backend) => fill(buckets, backend) }),
  };
}
