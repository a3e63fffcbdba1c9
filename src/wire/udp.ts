/** The UDP header (RFC 768). */
export const UDP_LEN = 8;
