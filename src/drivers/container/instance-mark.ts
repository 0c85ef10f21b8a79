/** In the environment of all that is started beside a container: whose it is. */
export const instanceMark = "CANOPY_INSTANCE";
