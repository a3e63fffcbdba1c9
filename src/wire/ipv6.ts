/** The IPv6 header (RFC 8200 §3). */
export const IPV6_LEN = 40;
