{{- define "bellhop.name" -}}
{{- if contains .Chart.Name .Release.Name }}{{ .Release.Name | trunc 40 | trimSuffix "-" }}{{ else }}{{ printf "%s-%s" .Release.Name .Chart.Name | trunc 40 | trimSuffix "-" }}{{ end }}
{{- end }}

{{/* Labels of everything: (list $ "component") */}}
{{- define "bellhop.labels" -}}
{{- $ := index . 0 -}}
{{ include "bellhop.selector" . }}
app.kubernetes.io/version: {{ $.Chart.AppVersion | quote }}
app.kubernetes.io/part-of: bellhop
app.kubernetes.io/managed-by: {{ $.Release.Service }}
helm.sh/chart: {{ printf "%s-%s" $.Chart.Name $.Chart.Version | replace "+" "_" }}
{{- end }}

{{/* Labels that select a component's pods. */}}
{{- define "bellhop.selector" -}}
{{- $ := index . 0 -}}
app.kubernetes.io/name: bellhop
app.kubernetes.io/instance: {{ $.Release.Name }}
app.kubernetes.io/component: {{ index . 1 }}
{{- end }}

{{/* An image: (list $ "name" "digest") */}}
{{- define "bellhop.image" -}}
{{- $ := index . 0 -}}
{{- $digest := index . 2 -}}
{{- if $digest -}}
{{ $.Values.image.registry }}/{{ index . 1 }}@{{ $digest }}
{{- else -}}
{{ $.Values.image.registry }}/{{ index . 1 }}:{{ $.Values.image.tag | default $.Chart.AppVersion }}
{{- end }}
{{- end }}

{{- define "bellhop.podSecurity" -}}
runAsNonRoot: true
runAsUser: 65532
runAsGroup: 65532
fsGroup: 65532
fsGroupChangePolicy: OnRootMismatch
seccompProfile: { type: RuntimeDefault }
{{- end }}

{{- define "bellhop.containerSecurity" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities: { drop: [ALL] }
{{- end }}

{{- define "bellhop.keys" -}}
{{ .Values.keys.existingSecret | default (printf "%s-keys" (include "bellhop.name" .)) }}
{{- end }}

{{/* What every pod has: its images' credentials, and where it may run. (list $ values) */}}
{{- define "bellhop.placement" -}}
{{- $ := index . 0 -}}
{{- $values := index . 1 -}}
{{- with $.Values.image.pullSecrets }}
imagePullSecrets:
  {{- range . }}
  - name: {{ . }}
  {{- end }}
{{- end }}
{{- with $values.nodeSelector }}
nodeSelector: {{- toYaml . | nindent 2 }}
{{- end }}
{{- with $values.tolerations }}
tolerations: {{- toYaml . | nindent 2 }}
{{- end }}
{{- with $values.affinity }}
affinity: {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}

{{/* The port of a fleet's language model. */}}
{{- define "bellhop.modelPort" -}}
{{- if .port -}}
{{ int .port }}
{{- else -}}
{{- $url := urlParse .url -}}
{{ regexFind ":[0-9]+$" $url.host | trimPrefix ":" | default (ternary "443" "80" (eq $url.scheme "https")) }}
{{- end -}}
{{- end }}

{{/* A value in TOML. Not toToml, which writes every number of the values as a float. */}}
{{- define "bellhop.toml" -}}
{{- if kindIs "map" . -}}
{ {{- range $index, $key := keys . | sortAlpha }}{{ if $index }},{{ end }} {{ $key | toJson }} = {{ include "bellhop.toml" (get $ $key) }}{{ end }} }
{{- else if kindIs "slice" . -}}
[{{- range $index, $item := . }}{{ if $index }}, {{ end }}{{ include "bellhop.toml" $item }}{{ end }}]
{{- else -}}
{{ toJson . }}
{{- end }}
{{- end }}

{{/* What makes no sense, and no schema can say. */}}
{{- define "bellhop.check" -}}
{{- $fleets := dict -}}
{{- range .Values.fleets -}}
{{- if hasKey $fleets .name }}{{ fail (printf "fleets: two fleets have the name %q" .name) }}{{ end -}}
{{- $_ := set $fleets .name .games -}}
{{- $fleet := . -}}
{{- with .autoscaling -}}
{{- if gt (int .minReplicas) (int .maxReplicas) -}}
{{- fail (printf "fleets: %q has autoscaling.minReplicas %d, which is more than its maxReplicas %d" $fleet.name (int .minReplicas) (int .maxReplicas)) -}}
{{- end -}}
{{- end -}}
{{- with .hostPorts -}}
{{- if gt (int .first) (int .last) -}}
{{- fail (printf "fleets: %q has hostPorts.first %d, which is more than its last %d" $fleet.name (int .first) (int .last)) -}}
{{- end -}}
{{- end -}}
{{- if gt (int (dig "minReady" 1 .)) (int (default 32 .maxRooms)) }}{{ fail (printf "fleets: %q has minReady %d, which is more than its maxRooms %d" .name (int (dig "minReady" 1 .)) (int (default 32 .maxRooms))) }}{{ end -}}
{{- end -}}
{{- $queues := dict -}}
{{- range .Values.queues -}}
{{- $queue := . -}}
{{- if hasKey $queues .name }}{{ fail (printf "queues: two queues have the name %q" .name) }}{{ end -}}
{{- $_ := set $queues .name true -}}
{{- if and .min_players .max_players (gt (int .min_players) (int .max_players)) -}}
{{- fail (printf "queues: %q has min_players %d, which is more than its max_players %d" .name (int .min_players) (int .max_players)) -}}
{{- end -}}
{{- if .fleet -}}
{{- if not (hasKey $fleets .fleet) }}{{ fail (printf "queues: %q names the fleet %q, which is not in fleets" .name .fleet) }}{{ end -}}
{{- if not (has .game (get $fleets .fleet)) }}{{ fail (printf "queues: %q plays %q, which the fleet %q does not host" .name .game .fleet) }}{{ end -}}
{{- else -}}
{{- $hosted := false -}}
{{- range $fleets }}{{ if has $queue.game . }}{{ $hosted = true }}{{ end }}{{ end -}}
{{- if not $hosted }}{{ fail (printf "queues: %q plays %q, which no fleet hosts" .name .game) }}{{ end -}}
{{- end -}}
{{- end -}}
{{- if and .Values.httpRoute.enabled (not .Values.httpRoute.parentRefs) }}{{ fail "httpRoute: parentRefs names no gateway for the route to hang on" }}{{ end -}}
{{- if and .Values.ingress.enabled (not .Values.ingress.hosts) }}{{ fail "ingress: hosts is empty" }}{{ end -}}
{{- end }}
