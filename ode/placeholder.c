extern int fc__room_ode;int fc__room_ode;
