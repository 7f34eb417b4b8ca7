/** The few pictures of the page, drawn with the text's colour. */

/** The house's sign: a desk bell. */
export function Bell(props: { class?: string; ringing?: boolean }) {
  return (
    <svg class={`bell ${props.ringing ? "bell-ringing" : ""} ${props.class ?? ""}`} viewBox="0 0 48 48" aria-hidden="true">
      <g class="bell-waves" fill="none" stroke="currentColor" stroke-width="2" stroke-linecap="round">
        <path d="M9 12a20 20 0 0 1 5-6" />
        <path d="M39 12a20 20 0 0 0-5-6" />
      </g>
      <g class="bell-body" fill="currentColor">
        <rect x="21.5" y="8.5" width="5" height="7" rx="2.5" />
        <path d="M7 33a17 17 0 0 1 34 0z" />
        <rect x="4" y="36" width="40" height="5.5" rx="2.75" />
      </g>
    </svg>
  );
}

export function Pencil() {
  return (
    <svg class="icon" viewBox="0 0 20 20" aria-hidden="true">
      <path d="M3 17l.8-3.8L13.4 3.6a1.6 1.6 0 0 1 2.3 0l.7.7a1.6 1.6 0 0 1 0 2.3L6.8 16.2z" fill="none" stroke="currentColor" stroke-width="1.6" stroke-linejoin="round" />
    </svg>
  );
}

export function Signal(props: { bars: 0 | 1 | 2 | 3 }) {
  return (
    <svg class="icon" viewBox="0 0 20 20" aria-hidden="true">
      {[0, 1, 2].map((bar) => (
        <rect key={bar} x={3 + bar * 5} y={12 - bar * 4} width="3.4" height={5 + bar * 4} rx="1.2" fill="currentColor" opacity={bar < props.bars ? 1 : 0.28} />
      ))}
    </svg>
  );
}

export function Eye() {
  return (
    <svg class="icon" viewBox="0 0 20 20" aria-hidden="true">
      <path d="M2 10s3-5.5 8-5.5 8 5.5 8 5.5-3 5.5-8 5.5S2 10 2 10Z" fill="none" stroke="currentColor" stroke-width="1.7" stroke-linejoin="round" />
      <circle cx="10" cy="10" r="2.4" fill="currentColor" />
    </svg>
  );
}

export function Bubble() {
  return (
    <svg class="icon" viewBox="0 0 20 20" aria-hidden="true">
      <path d="M3 4.5h14v9H9l-4 3v-3H3z" fill="none" stroke="currentColor" stroke-width="1.7" stroke-linejoin="round" />
    </svg>
  );
}

export function Door() {
  return (
    <svg class="icon" viewBox="0 0 20 20" aria-hidden="true">
      <path d="M11 3H5v14h6M9 10h8m0 0-3-3m3 3-3 3" fill="none" stroke="currentColor" stroke-width="1.7" stroke-linecap="round" stroke-linejoin="round" />
    </svg>
  );
}
