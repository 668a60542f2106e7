/* What the process rice_seasons and its operator tell each other. */
#ifndef GRAPH_RICE_H
#define GRAPH_RICE_H

/* The numbers of a problem; behind them the days since 2000-01-01 of the observations, in ascending order. */
enum rice_number {
    RICE_SMOOTHING,    /* days: sigma of the Gaussian */
    RICE_LOW,          /* dB: the flooded field is at most that bright */
    RICE_GROWTH,       /* dB: from there to the peak at least */
    RICE_RISE,         /* days: from there to the peak at least */
    RICE_PEAK_LEAST,   /* dB, exclusive, as the next three */
    RICE_PEAK_MOST,
    RICE_MEAN_LEAST,
    RICE_MEAN_MOST,
    RICE_RANGE,        /* dB: least difference of the brightest and the darkest */
    RICE_APART,        /* days between two seasons' beginnings at least */
    RICE_CYCLE,        /* days from transplanting to harvest */
    RICE_OBSERVATIONS, /* as many are needed */
    RICE_DATE,         /* day since 2000-01-01 that the stage is asked for */
    RICE_NUMBERS
};

/* What is made of a pixel, in this order. Without seasons the class is 0 and the others are NaN. */
enum rice_output {
    RICE_CLASS,          /* 0 no rice, else 1 to 3: how many seasons; NaN: too few observations */
    RICE_SEASON_1,       /* transplanting, days since 2000-01-01, of the first three seasons */
    RICE_SEASON_2,
    RICE_SEASON_3,
    RICE_STAGE,          /* enum rice_stage, of the latest season that has begun at the date */
    RICE_STAGE_DOUBTFUL, /* 1: vegetative, and yet the backscatter does not rise */
    RICE_HARVEST_DAY,    /* of that season, days since 2000-01-01, observed or foretold */
    RICE_HARVEST_DOY,    /* the same as day of its year, from 1 */
    RICE_HARVEST_SPREAD, /* days by which that may be wrong */
    RICE_OUTPUTS
};

enum rice_stage {
    RICE_NOT_PLANTED,
    RICE_ESTABLISHMENT, /* flooded, to 10 days after transplanting */
    RICE_VEGETATIVE,    /* to 45 */
    RICE_REPRODUCTIVE,  /* to 65 */
    RICE_RIPENING,      /* to the end of the cycle */
    RICE_HARVESTED,
};

#endif
