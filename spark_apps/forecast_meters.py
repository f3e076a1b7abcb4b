"""Forecasts the day of each sensor with the champion: forecast_meters.py MODEL DAY."""

from __future__ import annotations

import argparse
import logging
import sys
from datetime import UTC, datetime

from vigie.errors import VigieError
from vigie.forecasting.bulk import forecast_sensors
from vigie.streaming.app_log import set_up_log
from vigie.streaming.session import open_session


def main() -> int:
    """Forecast the day; 1 if it could not be, with no row touched."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model", help="name of the model")
    parser.add_argument("day", type=datetime.fromisoformat, help="in UTC, such as 2013-10-01")
    arguments = parser.parse_args()
    set_up_log()
    spark = open_session(f"vigie forecast {arguments.model}", sets=())
    try:
        stored = forecast_sensors(spark, arguments.model, arguments.day.replace(tzinfo=UTC))
    except VigieError as error:
        logging.error("%s", error)
        return 1
    finally:
        spark.stop()
    logging.info("%s", stored)
    return 0


if __name__ == "__main__":
    sys.exit(main())
